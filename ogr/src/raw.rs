//! The one place with `unsafe`: GDAL's C functions that the crate `gdal` does not offer as they are needed here, that is text as the bytes it is, errors
//! in the middle of a layer, curves, and WKB into a buffer that is used again.
//!
//! What makes it sound: GDAL is used from one thread; a [`Features`] borrows its dataset, so layer and definitions outlive it; a feature is destroyed by
//! its owner's `Drop`; strings that GDAL lends are copied out before the next call.
#![allow(unsafe_code)]

use crate::complaints;
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags};
use gdal_sys as sys;
use std::ffi::{CStr, c_char, c_int};
use std::marker::PhantomData;
use std::path::Path;
use tuban_ogr_protocol::Trouble;

/// Steps that an arc is cut into, degrees: half a millionth of a circle's area is lost.
const ARC_STEP_DEGREES: f64 = 0.1;

/// Registers the one driver, and has what GDAL complains of kept in [`complaints`].
pub fn set_up(driver: &str) -> Result<(), Trouble> {
    for (key, value) in [
        ("PROJ_NETWORK", "OFF"),
        ("GDAL_DRIVER_PATH", "disable"),
        ("CPL_CURL_ENABLE_VSIMEM", "NO"),
        ("OGR_SQLITE_LOAD_EXTENSIONS", ""),
        ("GDAL_PAM_ENABLED", "NO"),
    ] {
        gdal::config::set_config_option(key, value).map_err(|error| Trouble::new("gdal", error))?;
    }
    DriverManager::register_all();
    // Every other driver off: what a driver's own file names cannot be opened by another one either.
    let mut others: Vec<_> = DriverManager::all().filter(|other| other.short_name() != driver).collect();
    others.drain(..).for_each(|other| DriverManager::deregister_driver(&other));
    // SAFETY: the handler takes no state, and does not call GDAL.
    unsafe { sys::CPLSetErrorHandler(Some(hear)) };
    if DriverManager::count() == 0 { Err(Trouble::new("no_driver", driver)) } else { Ok(()) }
}

/// Hears what GDAL complains of.
unsafe extern "C" fn hear(class: sys::CPLErr::Type, _number: sys::CPLErrorNum, message: *const c_char) {
    // SAFETY: GDAL lends a string that ends in a zero for as long as this call takes; it is copied at once.
    let message = || String::from_utf8_lossy(unsafe { bytes(message) }).into_owned();
    match class {
        // GDAL ends the process after this: what it says is told on stderr, or nobody would know.
        sys::CPLErr::CE_Fatal => eprintln!("{}", message()),
        sys::CPLErr::CE_Failure => complaints::failure(message()),
        sys::CPLErr::CE_Warning => complaints::warning(message()),
        _ => {}
    }
}

/// Opens a file with one driver, by name.
pub fn open(path: &Path, driver: &str, options: &[&str]) -> Result<Dataset, Trouble> {
    let flags = GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_READONLY | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR;
    let wish = DatasetOptions { open_flags: flags, allowed_drivers: Some(&[driver]), open_options: Some(options), sibling_files: None };
    Dataset::open_ex(path, wish).map_err(|error| Trouble::new("cannot_open", last_error().unwrap_or_else(|| error.to_string())))
}

/// What GDAL last complained of, if it was a failure since [`forget_errors`].
pub fn last_error() -> Option<String> {
    // SAFETY: GDAL lends a string that stays until the next call; it is copied at once.
    unsafe {
        (sys::CPLGetLastErrorType() >= sys::CPLErr::CE_Failure)
            .then(|| bytes(sys::CPLGetLastErrorMsg()))
            .map(|message| String::from_utf8_lossy(message).into_owned())
    }
}

/// What GDAL last warned of, if that was a value written other than it was given: characters left out, text or digits cut off.
pub fn last_loss() -> Option<String> {
    const LOSSES: [&str; 3] = ["be converted correctly", "been truncated", "not successfully written"];
    // SAFETY: GDAL lends a string that stays until the next call; it is copied at once.
    let message = unsafe {
        if sys::CPLGetLastErrorType() != sys::CPLErr::CE_Warning {
            return None;
        }
        String::from_utf8_lossy(bytes(sys::CPLGetLastErrorMsg())).into_owned()
    };
    LOSSES.iter().any(|loss| message.contains(loss)).then_some(message)
}

/// Forgets complaints.
pub fn forget_errors() {
    // SAFETY: no arguments, no result.
    unsafe { sys::CPLErrorReset() }
}

/// The bytes of a string of GDAL's; none for null.
///
/// SAFETY: `text` must be null or end in a zero, and stay until `'a` is over.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() { &[] } else { unsafe { CStr::from_ptr(text) }.to_bytes() }
}

/// Whether another process can be made: none should, see [`confine`](mod@crate::confine). For the service's tests.
pub fn forks() -> bool {
    // SAFETY: the child, where there is one, ends before it does anything.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            child => child > 0,
        }
    }
}

/// Ends this process as the system does when memory runs out. For the service's tests.
pub fn end_as_killed() {
    // SAFETY: no memory is touched.
    unsafe { libc::raise(libc::SIGKILL) };
}

/// Writes to memory that is not there; after an allocation that failed, where that is asked for. For the service's tests.
pub fn segfault(after_failed_allocation: bool) {
    // SAFETY: nothing is: the process ends here, on purpose.
    unsafe {
        let nothing = if after_failed_allocation { libc::malloc(isize::MAX as usize) } else { std::ptr::null_mut() };
        nothing.cast::<u8>().write_volatile(1);
    }
}

/// Takes all the address space there is and aborts, with whatever errno. For the service's tests.
pub fn abort_without_memory() {
    // SAFETY: what is allocated is never used, and the process ends here.
    unsafe {
        for size in [1 << 24, 1 << 16] {
            while !libc::malloc(size).is_null() {}
        }
        *libc::__errno_location() = 0;
        libc::abort();
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
    /// Days and times.
    Moment,
    /// Bytes, which are left out.
    Binary,
    /// Anything else, as text.
    Text,
}

/// A layer being read.
pub struct Features<'d> {
    layer: sys::OGRLayerH,
    definition: sys::OGRFeatureDefnH,
    dataset: PhantomData<&'d Dataset>,
}

impl<'d> Features<'d> {
    /// Layer number `index`.
    pub fn new(dataset: &'d Dataset, index: usize) -> Option<Self> {
        // SAFETY: the dataset is open as long as `'d`; a null layer is refused before it is used.
        unsafe {
            let layer = sys::GDALDatasetGetLayer(dataset.c_dataset(), index as c_int);
            (!layer.is_null()).then(|| Self { layer, definition: sys::OGR_L_GetLayerDefn(layer), dataset: PhantomData })
        }
    }

    /// Its name, as the bytes it is.
    pub fn name(&self) -> Vec<u8> {
        // SAFETY: the layer is open; the string is copied at once.
        unsafe { bytes(sys::OGR_L_GetName(self.layer)).to_vec() }
    }

    /// Features it has, counted where that must be.
    pub fn count(&self) -> i64 {
        // SAFETY: the layer is open.
        unsafe { sys::OGR_L_GetFeatureCount(self.layer, 1) }
    }

    /// Name of its geometry type, and whether polygons can be in it.
    pub fn geometry(&self) -> (String, bool) {
        // SAFETY: the layer is open; the string is static.
        unsafe {
            let kind = sys::OGR_L_GetGeomType(self.layer);
            let name = String::from_utf8_lossy(bytes(sys::OGRGeometryTypeToName(kind))).into_owned();
            let flat = sys::OGR_GT_Flatten(kind);
            let polygonal = [
                sys::OGRwkbGeometryType::wkbUnknown,
                sys::OGRwkbGeometryType::wkbPolygon,
                sys::OGRwkbGeometryType::wkbMultiPolygon,
                sys::OGRwkbGeometryType::wkbCurvePolygon,
                sys::OGRwkbGeometryType::wkbMultiSurface,
                sys::OGRwkbGeometryType::wkbGeometryCollection,
                sys::OGRwkbGeometryType::wkbSurface,
            ]
            .contains(&flat);
            (name, polygonal)
        }
    }

    /// Its CRS.
    pub fn spatial_ref(&self) -> Option<gdal::spatial_ref::SpatialRef> {
        // SAFETY: the layer is open; the crate clones what it is given.
        unsafe {
            let srs = sys::OGR_L_GetSpatialRef(self.layer);
            if srs.is_null() { None } else { gdal::spatial_ref::SpatialRef::from_c_obj(srs).ok() }
        }
    }

    /// Names and kinds of its fields.
    pub fn fields(&self) -> Vec<(Vec<u8>, Kind, String)> {
        // SAFETY: the definition lives as long as the layer; indexes are within its count; strings are copied at once.
        unsafe {
            (0..sys::OGR_FD_GetFieldCount(self.definition))
                .map(|index| {
                    let field = sys::OGR_FD_GetFieldDefn(self.definition, index);
                    let kind = sys::OGR_Fld_GetType(field);
                    let ours = match kind {
                        sys::OGRFieldType::OFTInteger | sys::OGRFieldType::OFTInteger64 => Kind::Integer,
                        sys::OGRFieldType::OFTReal => Kind::Real,
                        sys::OGRFieldType::OFTDate | sys::OGRFieldType::OFTDateTime | sys::OGRFieldType::OFTTime => Kind::Moment,
                        sys::OGRFieldType::OFTBinary => Kind::Binary,
                        _ => Kind::Text,
                    };
                    let name = String::from_utf8_lossy(bytes(sys::OGR_GetFieldTypeName(kind))).into_owned();
                    (bytes(sys::OGR_Fld_GetNameRef(field)).to_vec(), ours, name)
                })
                .collect()
        }
    }

    /// Begins with the first feature again.
    pub fn rewind(&mut self) {
        // SAFETY: the layer is open.
        unsafe { sys::OGR_L_ResetReading(self.layer) }
    }

    /// The next feature; none after the last, or where reading failed: see [`complaints`].
    pub fn next(&mut self) -> Option<Feature<'_>> {
        // SAFETY: the layer is open; a feature is destroyed by its `Drop`.
        let feature = unsafe { sys::OGR_L_GetNextFeature(self.layer) };
        (!feature.is_null()).then_some(Feature { feature, layer: PhantomData })
    }
}

/// A feature.
pub struct Feature<'l> {
    feature: sys::OGRFeatureH,
    layer: PhantomData<&'l ()>,
}

impl Feature<'_> {
    /// Whether field number `index` has a value.
    pub fn has(&self, index: usize) -> bool {
        // SAFETY: the feature lives; GDAL checks the index.
        unsafe { sys::OGR_F_IsFieldSetAndNotNull(self.feature, index as c_int) != 0 }
    }

    /// Its value as a whole number.
    pub fn integer(&self, index: usize) -> i64 {
        // SAFETY: as `has`.
        unsafe { sys::OGR_F_GetFieldAsInteger64(self.feature, index as c_int) }
    }

    /// Its value as a number.
    pub fn real(&self, index: usize) -> f64 {
        // SAFETY: as `has`.
        unsafe { sys::OGR_F_GetFieldAsDouble(self.feature, index as c_int) }
    }

    /// Its value as the bytes of a text.
    pub fn text(&self, index: usize) -> &[u8] {
        // SAFETY: as `has`; the string belongs to the feature and stays until this field is asked for again, which takes the same borrow's owner.
        unsafe { bytes(sys::OGR_F_GetFieldAsString(self.feature, index as c_int)) }
    }

    /// Its number in the layer.
    pub fn number(&self) -> i64 {
        // SAFETY: the feature lives.
        unsafe { sys::OGR_F_GetFID(self.feature) }
    }

    /// Takes its geometry out, flat and straight.
    pub fn shape(&self) -> Option<Shape> {
        // SAFETY: the feature lives and lends its geometry; what `OGR_G_GetLinearGeometry` makes is ours, and `Shape` destroys it.
        unsafe {
            let lent = sys::OGR_F_GetGeometryRef(self.feature);
            if lent.is_null() {
                return None;
            }
            let raised = sys::OGR_G_Is3D(lent) != 0 || sys::OGR_G_IsMeasured(lent) != 0;
            let curved = sys::OGR_GT_IsNonLinear(sys::OGR_G_GetGeometryType(lent)) != 0 || sys::OGR_G_HasCurveGeometry(lent, 1) != 0;
            let bent = sys::OGR_G_HasCurveGeometry(lent, 1) != 0;
            let geometry = if curved { sys::OGR_G_GetLinearGeometry(lent, ARC_STEP_DEGREES, std::ptr::null_mut()) } else { sys::OGR_G_Clone(lent) };
            if geometry.is_null() {
                return None;
            }
            if raised {
                sys::OGR_G_FlattenTo2D(geometry);
            }
            Some(Shape { geometry, raised, bent })
        }
    }
}

impl Drop for Feature<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `next`, destroyed once.
        unsafe { sys::OGR_F_Destroy(self.feature) }
    }
}

/// A geometry, flat and straight.
pub struct Shape {
    geometry: sys::OGRGeometryH,
    /// Whether it had heights or measures.
    pub raised: bool,
    /// Whether it had arcs.
    pub bent: bool,
}

impl Shape {
    /// A closed line becomes the polygon it encloses: that is how drawings hold areas. True where it did.
    pub fn close(&mut self) -> bool {
        // SAFETY: the geometry is ours; where GDAL makes a polygon of it, the ring takes the old one's points and the old one is destroyed.
        unsafe {
            if sys::OGR_GT_Flatten(sys::OGR_G_GetGeometryType(self.geometry)) != sys::OGRwkbGeometryType::wkbLineString
                || sys::OGR_G_GetPointCount(self.geometry) < 4
            {
                return false;
            }
            let last = sys::OGR_G_GetPointCount(self.geometry) - 1;
            let at = |index| (sys::OGR_G_GetX(self.geometry, index), sys::OGR_G_GetY(self.geometry, index));
            if at(0) != at(last) {
                return false;
            }
            let polygon = sys::OGR_G_ForceToPolygon(sys::OGR_G_Clone(self.geometry));
            if polygon.is_null() {
                return false;
            }
            sys::OGR_G_DestroyGeometry(self.geometry);
            self.geometry = polygon;
            true
        }
    }

    /// Whether it is areas, or holds some.
    pub fn has_areas(&self) -> bool {
        // SAFETY: the geometry is ours.
        unsafe { holds_areas(self.geometry) }
    }

    /// Of a collection that holds areas these alone stay, as a multi-polygon. True where there was anything else in it.
    pub fn keep_areas(&mut self) -> bool {
        // SAFETY: the geometry is ours; what is taken over into the new one is copied, and the old one destroyed.
        unsafe {
            if sys::OGR_GT_Flatten(sys::OGR_G_GetGeometryType(self.geometry)) != sys::OGRwkbGeometryType::wkbGeometryCollection || !holds_areas(self.geometry) {
                return false;
            }
            let areas = sys::OGR_G_CreateGeometry(sys::OGRwkbGeometryType::wkbMultiPolygon);
            if areas.is_null() {
                return false;
            }
            let others = take_areas(self.geometry, areas);
            sys::OGR_G_DestroyGeometry(self.geometry);
            self.geometry = areas;
            others
        }
    }

    /// Bytes that it takes as WKB.
    pub fn wkb_bytes(&self) -> usize {
        // SAFETY: the geometry is ours.
        unsafe { sys::OGR_G_WkbSizeEx(self.geometry) }
    }

    /// Appends it as ISO WKB, little-endian; true where it could be.
    pub fn wkb(&self, out: &mut Vec<u8>) -> bool {
        // SAFETY: `out` has as many bytes from `start` on as GDAL says it will write.
        unsafe {
            let start = out.len();
            let size = sys::OGR_G_WkbSizeEx(self.geometry);
            out.resize(start + size, 0);
            let done = sys::OGR_G_ExportToIsoWkb(self.geometry, sys::OGRwkbByteOrder::wkbNDR, out[start..].as_mut_ptr()) == sys::OGRErr::OGRERR_NONE;
            if !done {
                out.truncate(start);
            }
            done
        }
    }
}

/// Collections in collections are looked into so deep.
const DEEPEST: u32 = 32;

/// Whether a geometry is areas, or holds some.
///
/// SAFETY: the geometry lives.
unsafe fn holds_areas(geometry: sys::OGRGeometryH) -> bool {
    unsafe { parts(geometry, 0).iter().any(|(_, is_area)| *is_area) }
}

/// Copies the polygons of a geometry into a multi-polygon; whether it has anything else.
///
/// SAFETY: both live.
unsafe fn take_areas(from: sys::OGRGeometryH, into: sys::OGRGeometryH) -> bool {
    unsafe {
        let parts = parts(from, 0);
        for (polygon, _) in parts.iter().filter(|(_, is_area)| *is_area) {
            sys::OGR_G_AddGeometry(into, *polygon);
        }
        parts.iter().any(|(_, is_area)| !is_area)
    }
}

/// What a geometry is made of, collections taken apart, and whether each is a polygon.
///
/// SAFETY: the geometry lives, as long as what is lent of it is used.
unsafe fn parts(geometry: sys::OGRGeometryH, deep: u32) -> Vec<(sys::OGRGeometryH, bool)> {
    use sys::OGRwkbGeometryType::{wkbGeometryCollection, wkbMultiPolygon, wkbPolygon};
    unsafe {
        let kind = sys::OGR_GT_Flatten(sys::OGR_G_GetGeometryType(geometry));
        if !(kind == wkbGeometryCollection || kind == wkbMultiPolygon) || deep > DEEPEST {
            return vec![(geometry, kind == wkbPolygon)];
        }
        (0..sys::OGR_G_GetGeometryCount(geometry)).flat_map(|index| parts(sys::OGR_G_GetGeometryRef(geometry, index), deep + 1)).collect()
    }
}

impl Drop for Shape {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { sys::OGR_G_DestroyGeometry(self.geometry) }
    }
}

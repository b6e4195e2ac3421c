//! A layer being written: the other place with `unsafe`, under the same rules as `raw`.
#![allow(unsafe_code)]

use crate::raw::{forget_errors, last_error, last_loss};
use gdal::cpl::CslStringList;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal_sys as sys;
use std::ffi::{CString, c_int};
use std::path::Path;
use tuban_ogr_protocol::{NewKind, Trouble, WriteWish};

/// A layer being written.
pub struct Sink {
    dataset: sys::GDALDatasetH,
    layer: sys::OGRLayerH,
}

impl Sink {
    /// Makes the file, its layer and its fields.
    pub fn create(path: &Path, driver: &str, wish: &WriteWish) -> Result<Self, Trouble> {
        let (path, driver, name) = (c_string(&path.to_string_lossy())?, c_string(driver)?, c_string(&wish.layer)?);
        let options = list(&wish.options)?;
        let mut srs = SpatialRef::from_epsg(wish.epsg).map_err(|error| Trouble::new("crs", error))?;
        srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        forget_errors();
        // SAFETY: strings and lists outlive the calls; null handles are refused before they are used; the dataset is closed by `Drop`.
        let sink = unsafe {
            let driver = sys::GDALGetDriverByName(driver.as_ptr());
            if driver.is_null() {
                return Err(failed("no such driver"));
            }
            let dataset = sys::GDALCreate(driver, path.as_ptr(), 0, 0, 0, sys::GDALDataType::GDT_Unknown, std::ptr::null_mut());
            if dataset.is_null() {
                return Err(failed("the file cannot be made"));
            }
            let kind = sys::OGRwkbGeometryType::wkbMultiPolygon;
            let layer = sys::GDALDatasetCreateLayer(dataset, name.as_ptr(), srs.to_c_hsrs(), kind, options.as_ptr());
            Self { dataset, layer }
        };
        if sink.layer.is_null() {
            return Err(failed("the layer cannot be made"));
        }
        sink.make_fields(wish)?;
        // SAFETY: the dataset is open. A driver without transactions says so, and goes on without.
        unsafe { sys::GDALDatasetStartTransaction(sink.dataset, 0) };
        Ok(sink)
    }

    fn make_fields(&self, wish: &WriteWish) -> Result<(), Trouble> {
        for field in &wish.fields {
            let name = c_string(&field.name)?;
            let kind = match field.kind {
                NewKind::Text => sys::OGRFieldType::OFTString,
                NewKind::Integer => sys::OGRFieldType::OFTInteger64,
                NewKind::Real => sys::OGRFieldType::OFTReal,
            };
            // SAFETY: the layer is open and copies the definition, which is destroyed once.
            let made = unsafe {
                let definition = sys::OGR_Fld_Create(name.as_ptr(), kind);
                sys::OGR_Fld_SetWidth(definition, field.width);
                sys::OGR_Fld_SetPrecision(definition, field.decimals);
                let made = sys::OGR_L_CreateField(self.layer, definition, 0);
                sys::OGR_Fld_Destroy(definition);
                made
            };
            if made != sys::OGRErr::OGRERR_NONE {
                return Err(failed("a field cannot be made"));
            }
        }
        Ok(())
    }

    /// Appends a feature.
    pub fn push(&mut self, values: &[serde_json::Value], wkb: &[u8]) -> Result<(), Trouble> {
        // SAFETY: the layer is open; the feature is destroyed on every way out; GDAL is told how long the WKB is and checks it; a geometry given away is its
        // feature's.
        let done = unsafe {
            let feature = sys::OGR_F_Create(sys::OGR_L_GetLayerDefn(self.layer));
            for (index, value) in values.iter().enumerate() {
                set(feature, index as c_int, value);
            }
            let mut geometry = std::ptr::null_mut();
            let mut done = sys::OGR_G_CreateFromWkb(wkb.as_ptr().cast(), std::ptr::null_mut(), &raw mut geometry, wkb.len() as c_int);
            if done == sys::OGRErr::OGRERR_NONE {
                done = sys::OGR_F_SetGeometryDirectly(feature, geometry);
            }
            if done == sys::OGRErr::OGRERR_NONE {
                done = sys::OGR_L_CreateFeature(self.layer, feature);
            }
            sys::OGR_F_Destroy(feature);
            done
        };
        if done != sys::OGRErr::OGRERR_NONE {
            return Err(failed("a feature cannot be written"));
        }
        last_loss().map_or(Ok(()), |message| Err(Trouble::new("lossy", message)))
    }

    /// Writes out what is held back.
    pub fn close(self) -> Result<(), Trouble> {
        forget_errors();
        // SAFETY: the dataset is open; a driver without transactions has nothing to commit.
        unsafe { sys::GDALDatasetCommitTransaction(self.dataset) };
        if let Some(message) = last_error().filter(|message| !message.contains("ransaction")) {
            return Err(Trouble::new("cannot_write", message));
        }
        forget_errors();
        drop(self);
        last_error().map_or(Ok(()), |message| Err(Trouble::new("cannot_write", message)))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // SAFETY: ours, closed once.
        unsafe { sys::GDALClose(self.dataset) };
    }
}

/// Gives a field its value; anything but text and numbers is null.
///
/// SAFETY: the feature lives; GDAL checks the index and copies the text.
unsafe fn set(feature: sys::OGRFeatureH, index: c_int, value: &serde_json::Value) {
    unsafe {
        match value {
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => sys::OGR_F_SetFieldInteger64(feature, index, whole),
                None => sys::OGR_F_SetFieldDouble(feature, index, number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(text) => {
                // A zero byte would end the text; nobody means one.
                let text = CString::new(text.replace('\0', "")).unwrap_or_default();
                sys::OGR_F_SetFieldString(feature, index, text.as_ptr());
            }
            _ => sys::OGR_F_SetFieldNull(feature, index),
        }
    }
}

fn failed(what: &str) -> Trouble {
    Trouble::new("cannot_write", last_error().unwrap_or_else(|| what.to_owned()))
}

fn c_string(text: &str) -> Result<CString, Trouble> {
    CString::new(text).map_err(|error| Trouble::new("job", error))
}

fn list(entries: &[String]) -> Result<CslStringList, Trouble> {
    let mut list = CslStringList::new();
    for entry in entries {
        list.add_string(entry).map_err(|error| Trouble::new("job", error))?;
    }
    Ok(list)
}

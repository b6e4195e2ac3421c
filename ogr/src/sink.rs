//! A layer being written: the other place with `unsafe`, under the same rules as `raw`.
#![allow(unsafe_code)]

use crate::job::{NewField, Trouble, WriteWish};
use crate::raw::{forget_errors, last_error};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal_sys as sys;
use std::ffi::c_int;
use std::path::Path;

/// A layer being written.
pub struct Sink {
    dataset: sys::GDALDatasetH,
    layer: sys::OGRLayerH,
}

impl Sink {
    /// Makes the file, its layer and its fields.
    pub fn create(path: &Path, driver: &str, wish: &WriteWish) -> Result<Self, Trouble> {
        let failed = |what: &str| Trouble::new("cannot_write", last_error().unwrap_or_else(|| what.to_owned()));
        let c_string = |text: &str| std::ffi::CString::new(text).map_err(|error| Trouble::new("job", error));
        let path = c_string(&path.to_string_lossy())?;
        let (driver, name) = (c_string(driver)?, c_string(&wish.layer)?);
        let (file_options, layer_options) = (list(&wish.file_options)?, list(&wish.layer_options)?);
        let srs = wish.epsg.map(spatial_ref).transpose()?;
        forget_errors();
        // SAFETY: strings and lists outlive the calls; null handles are refused before they are used; the dataset is closed by `close` or `Drop`.
        unsafe {
            let driver = sys::GDALGetDriverByName(driver.as_ptr());
            if driver.is_null() {
                return Err(failed("no such driver"));
            }
            let dataset = sys::GDALCreate(driver, path.as_ptr(), 0, 0, 0, sys::GDALDataType::GDT_Unknown, file_options.as_ptr());
            if dataset.is_null() {
                return Err(failed("the file cannot be made"));
            }
            let kind = if srs.is_some() { sys::OGRwkbGeometryType::wkbMultiPolygon } else { sys::OGRwkbGeometryType::wkbNone };
            let srs = srs.as_ref().map_or(std::ptr::null_mut(), SpatialRef::to_c_hsrs);
            let layer = sys::GDALDatasetCreateLayer(dataset, name.as_ptr(), srs, kind, layer_options.as_ptr());
            let sink = Self { dataset, layer };
            if layer.is_null() {
                return Err(failed("the layer cannot be made"));
            }
            for field in &wish.fields {
                let name = c_string(&field.name)?;
                let definition = sys::OGR_Fld_Create(name.as_ptr(), if field.number { sys::OGRFieldType::OFTReal } else { sys::OGRFieldType::OFTString });
                sys::OGR_Fld_SetWidth(definition, field.width);
                sys::OGR_Fld_SetPrecision(definition, field.decimals);
                let made = sys::OGR_L_CreateField(layer, definition, 0);
                sys::OGR_Fld_Destroy(definition);
                if made != sys::OGRErr::OGRERR_NONE {
                    return Err(failed("a field cannot be made"));
                }
            }
            sys::GDALDatasetStartTransaction(dataset, 0);
            Ok(sink)
        }
    }

    /// Appends a feature.
    pub fn push(&mut self, values: &[serde_json::Value], fields: &[NewField], wkb: &[u8]) -> Result<(), Trouble> {
        // SAFETY: the layer is open; the feature is destroyed on every way out; GDAL is told how long the WKB is and checks it; a geometry given away is its
        // feature's.
        unsafe {
            let feature = sys::OGR_F_Create(sys::OGR_L_GetLayerDefn(self.layer));
            for (index, (value, _)) in values.iter().zip(fields).enumerate() {
                let index = index as c_int;
                match value {
                    serde_json::Value::Number(number) => sys::OGR_F_SetFieldDouble(feature, index, number.as_f64().unwrap_or_default()),
                    serde_json::Value::String(text) => {
                        // A zero byte would end the text; nobody means one.
                        let text = std::ffi::CString::new(text.replace('\0', "")).unwrap_or_default();
                        sys::OGR_F_SetFieldString(feature, index, text.as_ptr());
                    }
                    _ => sys::OGR_F_SetFieldNull(feature, index),
                }
            }
            let mut geometry = std::ptr::null_mut();
            let mut done = sys::OGRErr::OGRERR_NONE;
            if !wkb.is_empty() {
                done = sys::OGR_G_CreateFromWkb(wkb.as_ptr().cast(), std::ptr::null_mut(), &raw mut geometry, wkb.len() as c_int);
                if done == sys::OGRErr::OGRERR_NONE {
                    done = sys::OGR_F_SetGeometryDirectly(feature, sys::OGR_G_ForceToMultiPolygon(geometry));
                }
            }
            if done == sys::OGRErr::OGRERR_NONE {
                done = sys::OGR_L_CreateFeature(self.layer, feature);
            }
            sys::OGR_F_Destroy(feature);
            if done == sys::OGRErr::OGRERR_NONE {
                Ok(())
            } else {
                Err(Trouble::new("cannot_write", last_error().unwrap_or_else(|| "a feature cannot be written".to_owned())))
            }
        }
    }

    /// Writes out what is held back.
    pub fn close(self) -> Result<(), Trouble> {
        forget_errors();
        // SAFETY: the dataset is open; `Drop` closes it.
        unsafe { sys::GDALDatasetCommitTransaction(self.dataset) };
        drop(self);
        match last_error() {
            Some(message) if !message.contains("ransaction") => Err(Trouble::new("cannot_write", message)),
            _ => Ok(()),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // SAFETY: ours, closed once.
        unsafe { sys::GDALClose(self.dataset) };
    }
}

fn list(entries: &[String]) -> Result<gdal::cpl::CslStringList, Trouble> {
    let mut list = gdal::cpl::CslStringList::new();
    for entry in entries {
        list.add_string(entry).map_err(|error| Trouble::new("job", error))?;
    }
    Ok(list)
}

fn spatial_ref(epsg: u32) -> Result<SpatialRef, Trouble> {
    let mut srs = SpatialRef::from_epsg(epsg).map_err(|error| Trouble::new("crs", error))?;
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(srs)
}

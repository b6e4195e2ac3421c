//! What people say of a file, the same at every door that takes one.

use super::{Problem, query};
use crate::service::{Gcj02, Stated, layers::codes::CodeChoices};
use serde::Deserialize;
use tuban_geom::Crs;
use utoipa::IntoParams;

/// What is known of the file from elsewhere; it wins over what the file says.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Corrections {
    /// CRS of the file, `EPSG:N`, where it does not say itself or says wrong.
    crs: Option<String>,
    /// Which of its layers, where it has several.
    layer: Option<String>,
    /// What its text is in, `GBK`, `GB18030` or `UTF-8`, where that is taken wrongly.
    encoding: Option<String>,
    /// Which field is which, `OUR=THEIRS`, or `OUR=` for none; may be repeated.
    #[serde(default)]
    map: Vec<String>,
    /// What to do with an offset of GCJ-02 where that was asked: `keep` or `remove`.
    gcj02: Option<String>,
    /// `yes`: the file has no features, and is meant to have none.
    empty: Option<String>,
}

/// What is known of a layer's features from elsewhere.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LayerCorrections {
    /// What all of its approvals are for, where they are of one kind: `农转用`, `增减挂钩`, `供地`, `设施农用地`, `农村道路` or `临时用地`; goes before what the file says.
    kind_of_approval: Option<String>,
    /// The standard that class codes are of, where that was asked: `2007`, `2017` or `2023`.
    classes: Option<String>,
    /// What to do with features of a county layer that are no counties, where that was asked: `merge`, `leave_out` or `keep`.
    county_codes: Option<String>,
}

impl LayerCorrections {
    /// From words to values: what is said of codes, and of the kind of approvals.
    pub fn read(self) -> Result<(CodeChoices, Option<String>), Problem> {
        let codes = CodeChoices {
            classes: query::read_if("classes", self.classes.as_deref())?,
            county_codes: query::read_if("county_codes", self.county_codes.as_deref())?,
        };
        let approval_kind = self.kind_of_approval.map(|kind| kind.trim().to_owned());
        Ok((codes, approval_kind))
    }
}

impl Corrections {
    /// From words to values, and the field map.
    pub fn read(self) -> Result<(Stated, Vec<String>), Problem> {
        let gcj02 = query::read_if::<Gcj02>("gcj02", self.gcj02.as_deref())?;
        let crs = query::read_if::<Crs>("crs", self.crs.as_deref())?;
        let empty = query::yes_or_no("empty", self.empty.as_deref())?;
        let stated = Stated { crs, layer: self.layer, encoding: self.encoding, gcj02, empty };
        Ok((stated, self.map))
    }
}

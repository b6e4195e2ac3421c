//! What people say of a file, the same at every door that takes one.

use super::{query::query, values::YesOrNo};
use crate::service::{
    Gcj02, Stated,
    layers::{codes::CodeChoices, county_codes::CountyCodes},
};
use tuban_engine::model::Standard;
use tuban_geom::Crs;

query! {
    /// What is known of the file from elsewhere; it wins over what the file says.
    #[derive(Debug)]
    pub struct Corrections {
        /// CRS of the file, `EPSG:N`, where it does not say itself or says wrong.
        crs: Option<Crs>,
        /// Which of its layers, where it has several.
        layer: Option<String>,
        /// What its text is in, `GBK`, `GB18030` or `UTF-8`, where that is taken wrongly.
        encoding: Option<String>,
        /// Which field is which, `OUR=THEIRS`, or `OUR=` for none; may be repeated.
        map: Vec<String>,
        /// What to do with an offset of GCJ-02 where that was asked: `keep` or `remove`.
        gcj02: Option<Gcj02>,
        /// `yes`: the file has no features, and is meant to have none.
        empty: Option<YesOrNo>,
    }
}

query! {
    /// What is known of a layer's features from elsewhere.
    #[derive(Debug)]
    pub struct LayerCorrections {
        /// What all of its approvals are for, where they are of one kind: `农转用`, `增减挂钩`, `供地`, `设施农用地`, `农村道路` or `临时用地`; goes before what the file says.
        kind_of_approval: Option<String>,
        /// The standard that class codes are of, where that was asked: `2007`, `2017` or `2023`.
        classes: Option<Standard>,
        /// What to do with features of a county layer that are no counties, where that was asked: `merge`, `leave_out` or `keep`.
        county_codes: Option<CountyCodes>,
    }
}

impl LayerCorrections {
    /// What is said of codes, and of the kind of approvals.
    pub fn said(self) -> (CodeChoices, Option<String>) {
        let codes = CodeChoices { classes: self.classes, county_codes: self.county_codes };
        (codes, self.kind_of_approval.map(|kind| kind.trim().to_owned()))
    }
}

impl Corrections {
    /// What is said of the file, and the field map.
    pub fn said(self) -> (Stated, Vec<String>) {
        let empty = YesOrNo::is_yes(self.empty);
        (Stated { crs: self.crs, layer: self.layer, encoding: self.encoding, gcj02: self.gcj02, empty }, self.map)
    }
}

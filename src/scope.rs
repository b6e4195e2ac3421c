//! Scope: who is asking, as far as it matters to what they see and change.
//!
//! A value of [`Scope`] cannot be read from a request: it is made where a request, a command or a job enters the service, and handed down from there. `tests/layering.rs`
//! lists the files that may make the one of *all*.
//!
//! It has what something limits today: counties. Zones, columns and the level of review join it together with what they limit.

use std::collections::BTreeSet;
use tuban_engine::model::{CountyCode, NotACountyCode};

/// What may be seen and changed: everything, or what belongs to some counties. A patch belongs to the county that answers for it; a patch that no county answers for is in
/// the scope of *all* alone. Equal scopes see the same, so it may be part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// `None`: all counties, and what belongs to none.
    counties: Option<BTreeSet<CountyCode>>,
}

impl Scope {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { counties: None }
    }

    /// What belongs to these counties; without any, nothing that belongs to a county.
    #[must_use]
    pub fn of_counties(counties: impl IntoIterator<Item = CountyCode>) -> Self {
        Self { counties: Some(counties.into_iter().collect()) }
    }

    /// Whether it is that of everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.counties.is_none()
    }

    /// As a job keeps it: the codes of its counties, or nothing for *all*.
    #[must_use]
    pub fn kept(&self) -> Option<Vec<&str>> {
        self.counties.as_ref().map(|counties| counties.iter().map(CountyCode::as_str).collect())
    }

    /// As a job kept it: that of who asked for it.
    ///
    /// # Errors
    /// Where a code is none.
    pub fn of_job(kept: Option<&[String]>) -> Result<Self, NotACountyCode> {
        let counties = kept.map(|codes| codes.iter().map(|code| code.parse()).collect::<Result<_, _>>()).transpose()?;
        Ok(Self { counties })
    }

    /// Its counties, ascending; `None` where it has all of them, and what belongs to none.
    #[must_use]
    pub fn counties(&self) -> Option<&BTreeSet<CountyCode>> {
        self.counties.as_ref()
    }

    /// Whether what belongs to this county is in it, or, without one, what belongs to none.
    #[must_use]
    pub fn has(&self, county: Option<&str>) -> bool {
        self.counties.as_ref().is_none_or(|counties| county.is_some_and(|code| counties.contains(code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_has_what_belongs_to_no_county() {
        let of = |codes: &[&str]| Scope::of_counties(codes.iter().map(|code| code.parse().unwrap()));
        assert!(Scope::all().has(None) && Scope::all().has(Some("371302")) && Scope::all().has(Some("no code")));
        let two = of(&["371311", "371302"]);
        assert_eq!(["371302", "371311", "371312", "no code"].map(|code| two.has(Some(code))), [true, true, false, false]);
        assert!(!two.has(None) && !of(&[]).has(None) && !of(&[]).has(Some("371302")));
        assert_eq!(two, of(&["371302", "371311", "371302"]));
        assert_ne!(of(&[]), Scope::all());
    }

    #[test]
    fn a_job_keeps_the_scope_of_who_asked() {
        let two = Scope::of_counties(["371311", "371302"].map(|code| code.parse().unwrap()));
        assert_eq!(two.kept(), Some(vec!["371302", "371311"]));
        for scope in [two, Scope::of_counties([]), Scope::all()] {
            let kept: Option<Vec<String>> = scope.kept().map(|codes| codes.into_iter().map(str::to_owned).collect());
            assert_eq!(Scope::of_job(kept.as_deref()), Ok(scope));
        }
        assert_eq!(Scope::of_job(Some(&["city".to_owned()])), Err(NotACountyCode));
    }
}

//! What approvals are for, and so which class the ground under them falls into: the rule's list of kinds.

use crate::model::Reason;

/// Which class an approval leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// For building: 农转用, 增减挂钩, 供地. Where the kind is not known it is taken for this, and `known` is false.
    Building {
        /// Whether its kind is one that the list names.
        known: bool,
    },
    /// For another use, which is no new construction and in neither term of the ratio.
    Other {
        /// Its place in the order of determination.
        order: u8,
        /// Why a patch under it is 其他.
        reason: Reason,
    },
}

/// A kind of approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalKind {
    /// The names it goes by, best first; never empty.
    pub names: Vec<String>,
    /// The reason of what is 其他 for it; `None` where it is for building.
    pub other: Option<Reason>,
}

/// The kinds of a rule; those for other uses in the order of determination (合法 → 设施农用地 → 农村道路 → 其他).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalKinds(pub Vec<ApprovalKind>);

impl ApprovalKinds {
    /// What an approval is for whose file says `kind`: the kind of that name, else the one whose name is part of it (“设施农用地备案”); where it could be for building
    /// and for another use, or for two of these, it is not known.
    #[must_use]
    pub fn use_of(&self, kind: Option<&str>) -> Use {
        let Some(kind) = kind else { return Use::Building { known: false } };
        let said: String = kind.chars().filter(|c| !c.is_whitespace()).collect();
        let exact = self.0.iter().position(|kind| kind.names.contains(&said));
        let is_part = |kind: &ApprovalKind| kind.names.iter().any(|name| said.contains(name.as_str()));
        let found: Vec<usize> = exact.map_or_else(|| (0..self.0.len()).filter(|index| is_part(&self.0[*index])).collect(), |index| vec![index]);
        match (&found[..], found.first().and_then(|index| self.0[*index].other)) {
            ([index], Some(reason)) => Use::Other { order: *index as u8, reason },
            (found, _) => Use::Building { known: !found.is_empty() && found.iter().all(|index| self.0[*index].other.is_none()) },
        }
    }

    /// Whether the list names a kind.
    #[must_use]
    pub fn knows(&self, kind: &str) -> bool {
        self.use_of(Some(kind)) != Use::Building { known: false }
    }

    /// The first name of each kind, for people who are to choose one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|kind| kind.names.first().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_its_name_or_by_a_name_within() {
        let kinds = crate::rule::Rule::load(None).unwrap().approvals;
        let (building, unknown) = (Use::Building { known: true }, Use::Building { known: false });
        let reason = |kind| match kinds.use_of(Some(kind)) {
            Use::Other { reason, .. } => Some(reason),
            Use::Building { .. } => None,
        };
        // Oracle: docs/FORMATS.md, “What approvals say of themselves”, by hand.
        for kind in ["农转用", " 农用地转用 ", "增减挂钩", "增减挂钩建新", "供地", "2021年第3批次农转用", "农转用、供地"] {
            assert_eq!(kinds.use_of(Some(kind)), building, "{kind}");
        }
        for kind in [None, Some("工业用地"), Some("01"), Some("临时用地（已办农转用）"), Some("设施农用地、农村道路")] {
            assert_eq!(kinds.use_of(kind), unknown, "{kind:?}");
        }
        assert_eq!(reason("设施农用地备案"), Some(Reason::FacilityAgriculture));
        assert_eq!(reason("临时 用地"), Some(Reason::TemporaryUse));
        assert_eq!(reason("农村道路"), Some(Reason::RuralRoad));
        assert_eq!(kinds.names().collect::<Vec<_>>(), ["农转用", "增减挂钩", "供地", "设施农用地", "农村道路", "临时用地"]);
    }
}

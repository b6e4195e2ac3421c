//! Verdicts: what the overlay suspects, and what people confirmed.

use super::Words;

/// Writes an enum of words: the same word in SQL, JSON and on the command line.
#[macro_export]
macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$inner])* $variant),+ }

        impl $name {
            /// Every word, in the order in which they are listed to people.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as in SQL, JSON and on the command line.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::NotAWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::model::NotAWord::new(text, &[$($word),+])),
                }
            }
        }
    };
}
pub use words;

/// A text that is none of the words there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is none of: {known}")]
pub struct NotAWord {
    text: String,
    known: String,
}

impl NotAWord {
    /// A text, and the words that there are.
    #[must_use]
    pub fn new(text: &str, known: &[&str]) -> Self {
        Self { text: text.to_owned(), known: known.join(", ") }
    }

    /// The error message in both languages.
    #[must_use]
    pub fn words(&self) -> Words {
        Words::new(format!("“{}”不是其中之一：{}", self.text, self.known), self.to_string())
    }
}

impl From<NotAWord> for String {
    fn from(wrong: NotAWord) -> Self {
        wrong.to_string()
    }
}

words! {
    /// What the overlay alone can say. A patch is a clue only: there is no penalty before field verification.
    AutomaticVerdict {
        /// 合法: the area without approval is within tolerance.
        Legal = "legal",
        /// 疑似违法: farmland without approval, above tolerance.
        SuspectedIllegal = "suspected_illegal",
        /// 其他: no farmland is occupied without approval.
        Other = "other",
        /// 存疑: the overlay cannot decide; the reason says why.
        Doubtful = "doubtful",
    }
}

words! {
    /// A confirmed verdict. A patch without one is pending 未核.
    Verdict {
        /// 合法.
        Legal = "legal",
        /// 违法.
        Illegal = "illegal",
        /// 其他: not new construction; in neither term of the ratio.
        Other = "other",
        /// 存疑: looked at, not decided; counts as pending in the ratio.
        Doubtful = "doubtful",
    }
}

words! {
    /// Why the automatic verdict is what it is.
    Reason {
        /// Approvals cover the patch up to the tolerance.
        FullyApproved = "fully_approved",
        /// Farmland outside every approval in time, above tolerance; nothing of the patch is approved.
        UnapprovedFarmland = "unapproved_farmland",
        /// Approvals cover a part; farmland outside them is above tolerance.
        PartlyApproved = "partly_approved",
        /// No farmland outside approvals, above tolerance.
        NoFarmland = "no_farmland",
        /// No parcel covers the place.
        NoParcels = "no_parcels",
        /// There is no version of the parcels at all.
        NoFarmlandLayer = "no_farmland_layer",
        /// There is no version of the approvals at all, so nothing could be found approved.
        NoApprovals = "no_approvals",
        /// 补办: farmland is covered only by approvals granted after the day of the after-image.
        ApprovedLater = "approved_later",
        /// Farmland is covered only by approvals without a day that are not known to be that old.
        ApprovalUndated = "approval_undated",
        /// 设施农用地: what is not approved for building is approved as a facility of farming.
        FacilityAgriculture = "facility_agriculture",
        /// 临时用地: what is not approved for building is approved for temporary use, not ended by then.
        TemporaryUse = "temporary_use",
        /// 农村道路: what is not approved for building is approved as a rural road.
        RuralRoad = "rural_road",
        /// What is not approved for building is approved for another use that the rule names.
        OtherUse = "other_use",
        /// The patch is no larger than a tolerance, and approvals do not cover it.
        TooSmall = "too_small",
        /// The patch is larger than the rule's share of its county, or of all counties: hardly a patch at all.
        TooLarge = "too_large",
    }
}

impl Reason {
    /// Whether a patch is 其他 because it is approved for another use than building.
    #[must_use]
    pub fn is_other_use(self) -> bool {
        matches!(self, Self::FacilityAgriculture | Self::TemporaryUse | Self::RuralRoad | Self::OtherUse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn a_word_reads_back_as_itself() {
        for verdict in AutomaticVerdict::ALL {
            assert_eq!(AutomaticVerdict::from_str(verdict.word()), Ok(*verdict));
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
        }
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        }
        assert!(Verdict::from_str("guilty").is_err());
    }
}

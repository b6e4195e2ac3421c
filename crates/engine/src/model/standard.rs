//! Standards that class codes (DLBM) are of.

use super::NotAWord;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A standard of land-use classes, by its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Standard {
    /// 第二次全国土地调查: three digits.
    #[serde(rename = "2007")]
    SecondSurvey,
    /// 第三次全国国土调查: four digits.
    #[serde(rename = "2017")]
    ThirdSurvey,
    /// 用地用海分类指南: four digits, from 03 on numbered otherwise.
    #[serde(rename = "2023")]
    Guide,
}

impl Standard {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::SecondSurvey, Self::ThirdSurvey, Self::Guide];

    /// The word, as in SQL, JSON and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SecondSurvey => "2007",
            Self::ThirdSurvey => "2017",
            Self::Guide => "2023",
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Standard {
    type Err = NotAWord;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.word() == text).ok_or_else(|| NotAWord::new(text, &Self::ALL.map(Self::word)))
    }
}

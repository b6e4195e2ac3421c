//! Areas as people write them: with the unit in the heading, and as many decimals as they care for.

use crate::formats::{narrow, table::Cell};
use tuban_engine::model::{Area, Words};

/// The unit of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    SquareMetres,
    Mu,
    Hectares,
}

/// What units are written as behind a name.
const WRITTEN: [(&str, Unit); 9] = [
    ("平方米", Unit::SquareMetres),
    ("平米", Unit::SquareMetres),
    ("m2", Unit::SquareMetres),
    ("m²", Unit::SquareMetres),
    ("㎡", Unit::SquareMetres),
    ("公顷", Unit::Hectares),
    ("ha", Unit::Hectares),
    ("亩", Unit::Mu),
    ("mu", Unit::Mu),
];

impl Unit {
    /// A plain heading's name and the unit behind it.
    pub fn behind(plain: &str) -> Option<(&str, Self)> {
        let open = plain.trim_end_matches([')', ']', '】', '〕']);
        let (name, unit) = WRITTEN.iter().find_map(|(written, unit)| Some((open.strip_suffix(written)?, *unit)))?;
        Some((name.trim_end_matches(['(', '[', '【', '〔', '_', '/', ':', '-', '、']), unit))
    }

    /// Square metres in one.
    pub fn m2(self) -> f64 {
        match self {
            Self::SquareMetres => 1.0,
            Self::Mu => Area::M2_PER_MU,
            Self::Hectares => 10_000.0,
        }
    }

    /// The name on screen.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::SquareMetres => ["平方米", "m²"],
            Self::Mu => ["亩", "mu"],
            Self::Hectares => ["公顷", "hectares"],
        }
    }
}

/// An area as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written {
    /// Square metres.
    pub m2: f64,
    /// What the last decimal written leaves open to either side, square metres.
    pub open_m2: f64,
    /// The number itself, and its unit.
    pub number: f64,
    pub unit: Unit,
}

/// Square metres that are more than any city has.
const MOST_M2: f64 = 1e13;

impl Written {
    /// Reads a cell of a column in that unit.
    pub fn read(cell: &Cell, unit: Unit) -> Result<Self, Words> {
        let text = match cell {
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) | Cell::Odd(text) => text.chars().map(narrow).filter(|one| *one != ' ').collect(),
        };
        let number = ungrouped(&text).parse::<f64>().ok().filter(|number| (0.0..MOST_M2).contains(&(number * unit.m2())));
        let Some(number) = number.filter(|_| !matches!(cell, Cell::Odd(_))) else {
            let [zh, en] = unit.words();
            return Err(Words::new(format!("“{text}” 不是不小于 0 的{zh}数"), format!("“{text}” is not a number of {en}, 0 or more")));
        };
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.bytes().take_while(u8::is_ascii_digit).count());
        Ok(Self { m2: number * unit.m2(), open_m2: 0.5 * 10_f64.powi(-(decimals as i32)) * unit.m2(), number, unit })
    }

    /// Nothing.
    pub fn zero() -> Self {
        Self { m2: 0.0, open_m2: 0.0, number: 0.0, unit: Unit::SquareMetres }
    }

    /// The finer of two that mean the same; `None` where they do not.
    pub fn with(self, other: Self) -> Option<Self> {
        let agrees = (self.m2 - other.m2).abs() <= (self.open_m2 + other.open_m2) * (1.0 + 1e-9) + 1e-9;
        agrees.then_some(if other.open_m2 < self.open_m2 { other } else { self })
    }
}

/// A number without the commas between thousands.
fn ungrouped(text: &str) -> String {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = whole.contains(',') && (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    if is_grouped { text.replace(',', "") } else { text.to_owned() }
}

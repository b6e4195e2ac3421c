//! The demo city: an invented place with the codes and names of a real one, drawn from a seed, so that the service can be
//! shown, tested and measured without anybody's data. The same preset and seed give the same bytes on every machine.
//!
//! From the ground up: `noise` throws the dice, `ground` measures, `shapes` draws outlines. `lattice` is the net of parcel
//! corners inside the city's outline; `counties` divides the city; `places` founds seats and towns; `terrain` says what
//! grows where; `parcels`, `basic_farmland`, `red_lines`, `approvals` and `surveys` (with `faults` and `room`) are the
//! layers, `built` is what the second land survey finds; `write` writes them. Knows nothing of the rest of the service, and no dependency but `libm`.

mod approvals;
mod basic_farmland;
mod built;
mod counties;
mod faults;
mod ground;
mod lattice;
mod noise;
mod parcels;
mod places;
mod red_lines;
mod room;
mod shapes;
mod surveys;
mod terrain;
#[cfg(test)]
mod tests;
mod write;

use built::Built;
use counties::Counties;
use lattice::Lattice;
use parcels::{LandSurvey, Parcels};
use places::Places;
use red_lines::Extent;
use std::io;
use std::path::Path;
use surveys::Ground;
use terrain::Terrain;
use write::{Layer, Progress, Shape, Sheet, Value};

/// The size of a demo city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// About 10 000 parcels; 2 000 patches a survey. For tests and first looks: 30 MB.
    Small,
    /// About 300 000 parcels; 100 000 patches a survey. A prefecture-level city: 990 MB.
    City,
    /// About 3 000 000 parcels, ten times smaller; everything else as in `City`. For measurements: 3.1 GB.
    Dense,
    /// Ten cities of the size of `City` side by side: about 3 000 000 parcels; 100 000 patches a survey. For measurements: 3.8 GB.
    Province,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoFile {
    /// File name within the folder.
    pub name: &'static str,
    /// Number of features.
    pub features: u64,
    /// Number of positions as written, the closing position of every ring included.
    pub vertices: u64,
}

/// The names of the files, in the order in which they are written.
pub mod files {
    /// 行政区, counties.
    pub const COUNTY: &str = "county.geojson";
    /// 土地利用现状图斑 (DLTB), land-use parcels at the end of 2020.
    pub const FARMLAND: &str = "farmland.geojson";
    /// 土地利用现状图斑 (DLTB), land-use parcels at the end of 2022, when farmland was built on; not of the presets for measurements.
    pub const FARMLAND_OF_2022: &str = "farmland-2022.geojson";
    /// 永久基本农田, permanent basic farmland.
    pub const BASIC_FARMLAND: &str = "basic_farmland.geojson";
    /// 生态保护红线, ecological red lines.
    pub const RED_LINE: &str = "red_line.geojson";
    /// 城镇开发边界, urban development boundaries.
    pub const URBAN_BOUNDARY: &str = "urban_boundary.geojson";
    /// 批准用地, approvals.
    pub const APPROVED: &str = "approved.geojson";
    /// 监测图斑, the surveys of three months.
    pub const SURVEYS: [&str; 3] = ["survey-2022-04.geojson", "survey-2022-05.geojson", "survey-2022-06.geojson"];
}

/// What a preset comes to.
struct Scale {
    /// Cities side by side. What follows is for each.
    cities: usize,
    /// Cells of the lattice along one side; even.
    cells: usize,
    /// Metres between positions of county borders.
    border_spacing_m: f64,
    /// Groups of basic farmland, about.
    groups: usize,
    red_lines: Extent,
    approvals: usize,
    /// Patches of each survey.
    patches: usize,
    /// Whether there is a second land survey.
    surveyed_again: bool,
}

impl Preset {
    /// The number of patches in each survey.
    #[must_use]
    pub const fn patches(self) -> usize {
        self.scale().cities * self.scale().patches
    }

    const fn scale(self) -> Scale {
        let small = Extent { count: 8, fewest: 300.0, most: 3_000.0, reach_m: 11_000.0 };
        let city = Extent { count: 150, fewest: 1_500.0, most: 50_000.0, reach_m: 9_500.0 };
        match self {
            Self::Small => {
                Scale { cities: 1, cells: 100, border_spacing_m: 400.0, groups: 400, red_lines: small, approvals: 600, patches: 2_000, surveyed_again: true }
            }
            Self::City => Scale {
                cities: 1,
                cells: 546,
                border_spacing_m: 55.0,
                groups: 5_000,
                red_lines: city,
                approvals: 8_000,
                patches: 100_000,
                surveyed_again: true,
            },
            Self::Dense => Scale { cells: 1_728, surveyed_again: false, ..Self::City.scale() },
            Self::Province => Scale { cities: 10, patches: 10_000, surveyed_again: false, ..Self::City.scale() },
        }
    }
}

/// Writes the demo city of `preset` and `seed` into the folder `out`, which is made if it is missing; files of the same
/// names are replaced. `progress` is called with a file's name, the features written and the features to write: at the
/// start of each file, now and then, and at its end with both numbers equal.
///
/// # Errors
/// Whatever the file system answers. A file that could not be completed keeps the ending `.part`.
pub fn generate(preset: Preset, seed: u64, out: &Path, progress: &mut dyn FnMut(&str, u64, u64)) -> io::Result<Vec<DemoFile>> {
    std::fs::create_dir_all(out)?;
    let scale = preset.scale();
    let mut files: Vec<DemoFile> = Vec::new();
    for number in 0..scale.cities {
        let city = write_city(&scale, seed + number as u64, &Sheet { folder: out, number, of: scale.cities }, progress)?;
        if files.is_empty() {
            files = city;
        } else {
            for (file, more) in files.iter_mut().zip(city) {
                file.features += more.features;
                file.vertices += more.vertices;
            }
        }
    }
    Ok(files)
}

fn write_city(scale: &Scale, seed: u64, out: &Sheet, progress: Progress) -> io::Result<Vec<DemoFile>> {
    let lattice = Lattice::new(seed, scale.cells);
    let counties = Counties::new(seed, &lattice, scale.border_spacing_m);
    let places = Places::new(seed, &counties);
    let terrain = Terrain::new(seed, scale.cells, &places);
    let parcels = Parcels::new(seed, &lattice, &terrain);
    let approvals = approvals::draw(seed, scale.approvals, &counties, &places);
    let ground = Ground { seed, counties: &counties, places: &places, approvals: &approvals };
    let mut files = vec![
        write_counties(&counties, out, progress)?,
        parcels::write(&parcels, &counties, &LandSurvey { name: files::FARMLAND, year: 2020, built: &Built::new() }, out, progress)?,
        basic_farmland::write(seed, &parcels, &counties, scale.groups, out, progress)?,
        red_lines::write(seed, scale.red_lines, &counties, &places, &terrain, out, progress)?,
        places.write_boundaries(seed, &counties, out, progress)?,
        approvals::write(&approvals, &counties, out, progress)?,
    ];
    let mut built = Built::new();
    for survey in 0..files::SURVEYS.len() {
        files.push(surveys::write(&ground, survey, scale.patches, &mut built, out, progress)?);
    }
    if scale.surveyed_again {
        built.sort();
        files.push(parcels::write(&parcels, &counties, &LandSurvey { name: files::FARMLAND_OF_2022, year: 2022, built: &built }, out, progress)?);
    }
    Ok(files)
}

fn write_counties(counties: &Counties, out: &Sheet, progress: Progress) -> io::Result<DemoFile> {
    let mut layer = Layer::create(out, files::COUNTY, "行政区", counties.list.len() as u64, progress)?;
    for county in &counties.list {
        let properties = [("XZQDM", Value::Text(county.code)), ("XZQMC", Value::Text(county.name))];
        layer.feature(&properties, &Shape::Polygon(vec![county.ring.clone()]))?;
    }
    layer.finish()
}

//! What a file's coordinates look like, in words with the likely cause and the fix.

use super::why_not;
use tuban_engine::model::Words;
use tuban_geom::{Bounds, Contradiction, Crs};

/// Decimals of a degree below which a file is worth a warning: eight are about a millimetre.
const ENOUGH_DECIMALS: u8 = 8;
/// What six decimals cost on a patch of 0.7 ha, square metres, long ones aside; each decimal fewer costs ten times as much.
const COST_OF_SIX_M2: f64 = 5.7;

/// The contradiction between a file said to be in `crs` and its coordinates, with the fix.
#[must_use]
pub fn contradiction_words(crs: Crs, contradiction: &Contradiction) -> Words {
    let swap = |swapped: &bool| if *swapped { ("，并且先对调横、纵坐标", ", and put x (easting, longitude) first") } else { ("", "") };
    match contradiction {
        Contradiction::NotFinite => {
            Words::new("坐标中有非数值（NaN 或无穷大），请检查导出设置", "coordinates are not numbers (NaN or infinite); check how the file was exported")
        }
        Contradiction::SwappedAxes => Words::new(
            format!("横、纵坐标颠倒了：{crs} 的文件应先写经度（横坐标），再写纬度（纵坐标），请对调后重新导出"),
            format!("the axes are swapped: a file in {crs} has longitude (easting) first, latitude (northing) second; swap them and export it again"),
        ),
        Contradiction::LooksLike { crs: real, swapped } => {
            let (zh, en) = looks(*real);
            let (and_zh, and_en) = swap(swapped);
            Words::new(
                format!("坐标不像 {crs}，像是{zh}，请指定坐标系 {real}{and_zh}"),
                format!("the coordinates are not {crs}; they look like {en}: say that the CRS is {real}{and_en}"),
            )
        }
        Contradiction::LacksZone { candidates, swapped } => {
            let (and_zh, and_en) = swap(swapped);
            let (list, more) = match candidates.len() {
                0..=3 => (candidates.as_slice(), false),
                _ => (&[][..], true),
            };
            let names: Vec<String> = list.iter().map(ToString::to_string).collect();
            let (zh, en) = if more {
                (
                    "请按中央经线选用 EPSG:4534 至 EPSG:4554（75° 为 4534，经度每多 3° 加 1）".to_owned(),
                    "choose EPSG:4534 to EPSG:4554 by the central meridian (75° is 4534, and one more for each 3°)".to_owned(),
                )
            } else {
                (format!("请按中央经线选用 {}", names.join(" 或 ")), format!("choose {} by the central meridian", names.join(" or ")))
            };
            Words::new(
                format!("坐标不像 {crs}，像是 CGCS2000 3度带投影坐标，但横坐标只有 6 位，看不出带号，{zh}{and_zh}"),
                format!(
                    "the coordinates are not {crs}; they look like CGCS2000 3-degree Gauss–Krüger, but six-digit eastings do not tell the zone: {en}{and_en}"
                ),
            )
        }
        Contradiction::SixDegreeZone { zone, swapped } => {
            let (and_zh, and_en) = swap(swapped);
            // The EPSG code of the zone.
            let why = why_not(&(u32::from(*zone) + 4478).to_string());
            Words::new(
                format!("坐标像是 6度带 {zone} 带的投影坐标{and_zh}。{}", why.zh),
                format!("the coordinates look like zone {zone} of the 6-degree zones{and_en}. {}", why.en),
            )
        }
        Contradiction::Elsewhere { at } => Words::new(
            format!("数据不在现行行政区范围内（数据范围：{}），请核对坐标系 {crs} 是否正确", degrees(at)),
            format!("the features lie outside the counties in force (they lie at {}); check that {crs} is right", degrees(at)),
        ),
        Contradiction::OutOfRange { at } => Words::new(
            format!("坐标超出 {crs} 的范围（{}），也不像任何已知坐标系；可用的坐标系：{}", numbers(at), Crs::UNDERSTOOD),
            format!("the coordinates are out of range of {crs} ({}) and look like no CRS that is known; known are {}", numbers(at), Crs::UNDERSTOOD),
        ),
    }
}

/// A warning where a file in degrees has too few decimals; `decimals` is the most that any coordinate has.
#[must_use]
pub fn few_decimals(crs: Crs, decimals: u8) -> Option<Words> {
    if !crs.is_degrees() || decimals >= ENOUGH_DECIMALS {
        return None;
    }
    let cost = COST_OF_SIX_M2 * 10_f64.powi(6 - i32::from(decimals));
    let cost = if cost < 10.0 { format!("{cost:.2}") } else { format!("{cost:.0}") };
    Some(Words::new(
        format!("坐标只有 {decimals} 位小数，0.7 公顷的图斑面积误差可达 {cost} 平方米，细长的更大；请导出不少于 9 位小数的经纬度"),
        format!(
            "coordinates have only {decimals} decimals, which costs up to {cost} m² on a patch of 0.7 ha and more on long ones; export degrees with 9 decimals or more"
        ),
    ))
}

/// What a CRS looks like.
fn looks(crs: Crs) -> (String, String) {
    match crs {
        Crs::Geographic(_) => ("经纬度（度）".to_owned(), "longitude and latitude in degrees".to_owned()),
        Crs::WebMercator => ("网络墨卡托投影坐标".to_owned(), "web Mercator".to_owned()),
        Crs::GaussKruger { zone, prefixed: true } => {
            (format!(" CGCS2000 3度带 {zone} 带的投影坐标（8 位横坐标）"), format!("CGCS2000 3-degree Gauss–Krüger zone {zone} (eight-digit eastings)"))
        }
        Crs::GaussKruger { zone, prefixed: false } => {
            let meridian = u32::from(zone) * 3;
            (
                format!(" CGCS2000 3度带中央经线 {meridian}° 的投影坐标（6 位横坐标）"),
                format!("CGCS2000 3-degree Gauss–Krüger on the central meridian {meridian}° E (six-digit eastings)"),
            )
        }
    }
}

fn degrees(at: &Bounds) -> String {
    format!("{:.2}–{:.2}° E, {:.2}–{:.2}° N", at.min[0], at.max[0], at.min[1], at.max[1])
}

fn numbers(at: &Bounds) -> String {
    // Plain up to what a projection could mean, then scientific: 308 zeros help no reader.
    let number = |value: f64| if value.abs() < 1e9 { format!("{value:.3}") } else { format!("{value:e}") };
    format!("x {}…{}, y {}…{}", number(at.min[0]), number(at.max[0]), number(at.min[1]), number(at.max[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(crs: &str, at: [f64; 2]) -> Words {
        let crs: Crs = crs.parse().unwrap();
        contradiction_words(crs, &crs.contradiction(&Bounds { min: at, max: at }, None).unwrap())
    }

    #[test]
    fn each_contradiction_comes_with_its_fix() {
        for (crs, at, zh, en) in [
            (
                "4490",
                [39_637_104.0, 3_864_525.0],
                "坐标不像 EPSG:4490，像是 CGCS2000 3度带 39 带的投影坐标（8 位横坐标），请指定坐标系 EPSG:4527",
                "say that the CRS is EPSG:4527",
            ),
            ("4490", [3_864_525.0, 39_637_104.0], "请指定坐标系 EPSG:4527，并且先对调横、纵坐标", "put x (easting, longitude) first"),
            ("4490", [637_104.0, 3_864_525.0], "75° 为 4534", "do not tell the zone"),
            ("4490", [20_637_104.0, 3_864_525.0], "6度带 20 带", "6-degree"),
            ("4490", [35.0, 118.0], "横、纵坐标颠倒了", "swapped"),
            ("4527", [118.0, 35.0], "像是经纬度（度），请指定坐标系 EPSG:4490", "degrees: say that the CRS is EPSG:4490"),
            ("4490", [1e308, 35.0], "x 1e308…1e308", "out of range"),
            ("4490", [f64::NAN, 35.0], "NaN", "NaN"),
        ] {
            let words = said(crs, at);
            assert!(words.zh.contains(zh) && words.en.contains(en), "{words:?}");
        }
    }

    #[test]
    fn few_decimals_are_told_with_their_cost() {
        let degrees: Crs = "4490".parse().unwrap();
        assert!(few_decimals(degrees, 6).unwrap().zh.contains("5.70 平方米"));
        assert!(few_decimals(degrees, 7).unwrap().en.contains("0.57 m²"));
        assert!(few_decimals(degrees, 4).unwrap().en.contains("570 m²"));
        assert_eq!(few_decimals(degrees, 8), None);
        assert_eq!(few_decimals("4527".parse().unwrap(), 3), None);
    }
}

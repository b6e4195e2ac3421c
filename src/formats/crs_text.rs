//! What a CRS is, from what a file or GDAL says of it: its EPSG code, its name, and the parameters of its well-known text, which have the last word.

use super::wkt::Node;
use tuban_engine::model::Words;
use tuban_geom::Crs;

/// A CRS that a file names, as text and as understood.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedCrs {
    /// Its name or code in the file.
    pub found: String,
    /// What it is; or why it cannot be read in.
    pub understood: Result<Crs, Words>,
}

impl NamedCrs {
    /// From the EPSG code GDAL found, if any, and the WKT.
    #[must_use]
    pub fn new(wkt: &str, epsg: Option<u32>) -> Self {
        let said = Said::of(wkt);
        let named = epsg.and_then(Crs::from_epsg).or_else(|| Crs::parse(&said.name).ok());
        let understood = match said.system {
            System::Is(crs) => Ok(crs),
            System::Mercator => named.filter(|crs| *crs == Crs::WebMercator).ok_or_else(|| unknown(&said, epsg)),
            System::IsNone => Err(unknown(&said, epsg)),
        };
        let found = epsg.map_or_else(|| said.name.clone(), |epsg| format!("{} (EPSG:{epsg})", said.name));
        Self { found, understood }
    }
}

/// What the well-known text of a CRS says.
#[derive(Debug, Default)]
struct Said {
    /// What it calls itself: no more than a name, under which anything may stand.
    name: String,
    /// What it calls its datum, and its ellipsoid.
    datum: String,
    system: System,
    /// What it would be, were its datum CGCS2000 and not WGS 84: some programs cannot write CGCS2000.
    but_for_the_datum: Option<Crs>,
    /// The EPSG code of what it is on CGCS2000, where that is a 6-degree zone with its number before the easting.
    six_degree_code: Option<u32>,
}

/// What its parameters make of it.
#[derive(Debug, Default, PartialEq)]
enum System {
    /// This one.
    Is(Crs),
    /// Some Mercator projection on ground that is ours: whether it is that of the web maps, its code or its name tells.
    Mercator,
    /// None of ours, whatever it calls itself.
    #[default]
    IsNone,
}

/// On which ground a CRS stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Cgcs2000,
    Wgs84,
}

impl Said {
    fn of(wkt: &str) -> Self {
        let Some(root) = Node::parse(wkt) else { return Self::default() };
        let datum = root.find("DATUM");
        let ellipsoid = datum.and_then(|datum| datum.child("SPHEROID").or_else(|| datum.child("ELLIPSOID")));
        let name_of = |node: Option<&Node>| node.map_or("", Node::name).to_owned();
        let mut said = Self { name: root.name().to_owned(), datum: format!("{} {}", name_of(datum), name_of(ellipsoid)), ..Self::default() };
        let ground = ellipsoid.and_then(|ellipsoid| ground(&name_of(datum), ellipsoid));
        let from_greenwich = root.find("PRIMEM").is_none_or(|meridian| meridian.numbers.first() == Some(&0.0));
        let Some(ground) = ground.filter(|_| from_greenwich) else { return said };
        let Some(projected) = root.find("PROJCS") else {
            said.system = degrees(&root, ground).map_or(System::IsNone, System::Is);
            return said;
        };
        if projected.unit() != Some(1.0) {
            return said;
        }
        let projection = projected.child("PROJECTION").map_or("", Node::name).to_lowercase();
        if projection == "transverse_mercator" || projection == "gauss_kruger" {
            let zone = gauss_kruger(projected);
            match ground {
                Ground::Cgcs2000 => {
                    said.system = zone.map_or(System::IsNone, System::Is);
                    said.six_degree_code = six_degree_code(projected);
                }
                Ground::Wgs84 => said.but_for_the_datum = zone,
            }
        } else if projection.contains("mercator") {
            said.system = System::Mercator;
        }
        said
    }
}

/// The ground of a datum, by its name and the size of its ellipsoid: either alone may be wrong.
fn ground(name: &str, ellipsoid: &Node) -> Option<Ground> {
    let plain: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let has = |names: &[&str]| names.iter().any(|name| plain.contains(name));
    let [semi_major_m, flattening] = ellipsoid.numbers[..] else { return None };
    // The two ellipsoids differ by a tenth of a millimetre, and files have one under the name of the other; any other one is metres off.
    let fits = semi_major_m == 6_378_137.0 && (298.257_222..298.257_224).contains(&flattening);
    match fits {
        true if has(&["cgcs2000", "china2000", "chinageodeticcoordinatesystem2000", "国家2000", "2000国家"]) => Some(Ground::Cgcs2000),
        true if has(&["wgs1984", "wgs84", "worldgeodeticsystem1984"]) => Some(Ground::Wgs84),
        _ => None,
    }
}

/// Longitude and latitude, where the unit is the degree.
fn degrees(root: &Node, ground: Ground) -> Option<Crs> {
    let geographic = root.find("GEOGCS")?;
    let degree = geographic.unit().is_some_and(|radians| (radians - 1_f64.to_radians()).abs() < 1e-9);
    let code = match ground {
        Ground::Cgcs2000 => 4490,
        Ground::Wgs84 => 4326,
    };
    Crs::from_epsg(code).filter(|_| degree)
}

/// The EPSG code of the 6-degree zone whose number stands before the eastings.
fn six_degree_code(projected: &Node) -> Option<u32> {
    let zone = (projected.parameter("central_meridian")? + 3.0) / 6.0;
    let fits = zone.fract() == 0.0 && (13.0..=23.0).contains(&zone) && projected.parameter("false_easting")? == zone * 1e6 + 500_000.0;
    fits.then(|| zone as u32 + 4478)
}

/// The 3-degree zone that the parameters of a transverse Mercator projection in metres are those of.
fn gauss_kruger(projected: &Node) -> Option<Crs> {
    let is = |name: &str, value: f64| projected.parameter(name).is_none_or(|found| found == value);
    if !(is("scale_factor", 1.0) && is("false_northing", 0.0) && is("latitude_of_origin", 0.0)) {
        return None;
    }
    let zone = projected.parameter("central_meridian")? / 3.0;
    if zone.fract() != 0.0 || !(25.0..=45.0).contains(&zone) {
        return None;
    }
    let prefixed = match projected.parameter("false_easting")? {
        500_000.0 => false,
        easting if easting == zone * 1e6 + 500_000.0 => true,
        _ => return None,
    };
    Crs::from_epsg(zone as u32 + if prefixed { 4488 } else { 4509 })
}

/// Why the CRS that goes by that name, or number, cannot be read in, and what to do.
#[must_use]
pub fn why_not(name: &str) -> Words {
    let digits = name.trim().rsplit([':', '/', '#', ' ']).next().unwrap_or_default();
    by_code(digits.parse().unwrap_or(0)).unwrap_or_else(|| {
        Words::new(
            format!("不认识坐标系“{name}”，可用的有：{}；若确知文件的坐标系，请指定", Crs::UNDERSTOOD),
            format!("the CRS “{name}” is not understood; understood are {}; where you know the CRS, say it", Crs::UNDERSTOOD),
        )
    })
}

/// What to do about an EPSG code that Chinese files use and that is not accepted.
fn by_code(code: u32) -> Option<Words> {
    let six = |zone: u32, prefixed: bool| {
        let (meridian, three) = (6 * zone - 3, 2 * zone - 1);
        let (as_prefixed, plain) = (three + 4488, three + 4509);
        let (zh, en) = if prefixed {
            (
                format!(
                    "横坐标以 {zone} 开头。它与 3 度带 {three} 带是同一投影，只是横坐标前的带号不同：请把带号 {zone} 换成 {three} 后按 EPSG:{as_prefixed} 上传，或去掉带号后按 EPSG:{plain} 上传"
                ),
                format!(
                    "eastings begin with {zone}. It is the projection of 3-degree zone {three} with another number before the easting: put {three} for {zone} and upload it as EPSG:{as_prefixed}, or leave the number out and upload it as EPSG:{plain}"
                ),
            )
        } else {
            (
                format!("横坐标不带带号。它与 EPSG:{plain}（3 度带，同一中央经线）完全相同：请指定 EPSG:{plain}"),
                format!("eastings without the zone. It is the very same as EPSG:{plain} (3-degree, the same central meridian): say EPSG:{plain}"),
            )
        };
        Words::new(
            format!("EPSG:{code} 是 CGCS2000 高斯-克吕格 6 度带 {zone} 带（中央经线 {meridian}°），{zh}"),
            format!("EPSG:{code} is CGCS2000 Gauss–Krüger 6-degree zone {zone} (central meridian {meridian}°), {en}"),
        )
    };
    let old = |zh: &str, en: &str| {
        Words::new(
            format!("EPSG:{code} 是{zh}坐标系，与 CGCS2000 相差可达上百米，且转换参数涉密，本系统不转换；请由数据提供方转换为 CGCS2000 后再上传"),
            format!("EPSG:{code} is {en}, which can be a hundred metres off CGCS2000; have whoever issued it convert it to CGCS2000"),
        )
    };
    let convert = |zh: &str, en: &str| {
        Words::new(
            format!("EPSG:{code} 是{zh}，本系统不接受；请转换为经纬度 EPSG:4490 或 3 度带高斯投影（中央经线 75° 为 EPSG:4534，每多 3° 加 1）后再上传"),
            format!(
                "EPSG:{code} is {en}, which is not taken; convert it to degrees (EPSG:4490) or 3-degree Gauss–Krüger (EPSG:4534 for 75°, and one more for each 3°)"
            ),
        )
    };
    Some(match code {
        4491..=4501 => six(code - 4478, true),
        4502..=4512 => six(code - 4489, false),
        2327..=2390 | 4610 => old("西安 1980", "Xi'an 1980"),
        2401..=2442 | 4214 | 21413..=21423 | 21453..=21463 | 21473..=21483 => old("北京 1954", "Beijing 1954"),
        32601..=32660 => convert(&format!("WGS 84 UTM {} 带", code - 32600), &format!("WGS 84 UTM zone {}N", code - 32600)),
        4479 => convert("CGCS2000 空间直角坐标（X、Y、Z）", "CGCS2000 geocentric (X, Y, Z)"),
        4480 | 4979 => convert("带高程的三维经纬度", "degrees with heights (three-dimensional)"),
        3395 => convert("WGS 84 世界墨卡托投影", "WGS 84 World Mercator"),
        _ => return None,
    })
}

/// Why a CRS cannot be read in, and what to do.
fn unknown(said: &Said, epsg: Option<u32>) -> Words {
    let name = &said.name;
    let lower = said.datum.to_lowercase();
    let old = [
        ("xian", "西安 1980", "Xi'an 1980"),
        ("西安", "西安 1980", "Xi'an 1980"),
        ("beijing", "北京 1954", "Beijing 1954"),
        ("北京", "北京 1954", "Beijing 1954"),
    ];
    if let Some((_, zh, en)) = old.into_iter().find(|(word, ..)| lower.contains(word)) {
        return Words::new(
            format!("文件的坐标系是{zh}（{name}），与 CGCS2000 相差可达上百米，且转换参数涉密，本系统不转换；请由数据提供方转换为 CGCS2000 后再上传"),
            format!("the file is in {en} ({name}), which can be a hundred metres off CGCS2000; have whoever issued it convert it to CGCS2000"),
        );
    }
    if let Some(crs) = said.but_for_the_datum {
        return Words::new(
            format!(
                "文件的坐标系“{name}”是 WGS 84 上的高斯投影，参数与 {crs}（CGCS2000）一致；有的软件（如 MapInfo）写不出 CGCS2000，也有的会这样丢掉旧基准，请核实来源，确是 CGCS2000 的请指定坐标系 {crs}"
            ),
            format!(
                "the CRS “{name}” is Gauss–Krüger on WGS 84 with the parameters of {crs} (CGCS2000); some programs (MapInfo) cannot write CGCS2000, and some lose an older datum this way: find out where the file comes from, and where it is CGCS2000 say that the CRS is {crs}"
            ),
        );
    }
    if let Some(words) = epsg.or(said.six_degree_code).and_then(by_code) {
        return words;
    }
    Words::new(
        format!("不认识文件的坐标系“{name}”，可用的有：{}；若确知其坐标系，请指定", Crs::UNDERSTOOD),
        format!("the CRS “{name}” is not understood; understood are {}; where you know the CRS, say it", Crs::UNDERSTOOD),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOGRAPHIC: &str = r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

    fn projected(name: &str, easting: f64, meridian: f64) -> String {
        format!(
            r#"PROJCS["{name}",{GEOGRAPHIC},PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",{easting:?}],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{meridian:?}],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#
        )
    }

    fn understood(wkt: &str, epsg: Option<u32>) -> Option<String> {
        NamedCrs::new(wkt, epsg).understood.ok().map(|crs| crs.to_string())
    }

    #[test]
    fn what_esri_writes_is_understood() {
        assert_eq!(understood(&projected("CGCS2000_3_Degree_GK_Zone_39", 39_500_000.0, 117.0), None).as_deref(), Some("EPSG:4527"));
        assert_eq!(understood(&projected("CGCS2000_3_Degree_GK_CM_120E", 500_000.0, 120.0), None).as_deref(), Some("EPSG:4549"));
        assert_eq!(understood(GEOGRAPHIC, None).as_deref(), Some("EPSG:4490"));
    }

    #[test]
    fn parameters_count_where_the_name_says_nothing_or_something_else() {
        assert_eq!(understood(&projected("县自定义坐标系", 40_500_000.0, 120.0), None).as_deref(), Some("EPSG:4528"));
        assert_eq!(understood(&projected("CGCS2000_3_Degree_GK_Zone_39", 40_500_000.0, 120.0), None).as_deref(), Some("EPSG:4528"));
        assert_eq!(understood(&projected("local", 500_000.0, 118.5), None), None);
    }

    #[test]
    fn old_datums_are_not_mistaken_for_the_new() {
        let xian = r#"DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]]"#;
        let named_new = GEOGRAPHIC.replace(r#"DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]]"#, xian);
        assert!(named_new.starts_with(r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_Xian_1980""#));
        let zone = projected("CGCS2000_3_Degree_GK_Zone_39", 39_500_000.0, 117.0).replace(GEOGRAPHIC, &named_new);
        // Whatever it calls itself, and whatever code it is given.
        for (wkt, epsg) in [(&named_new, None), (&named_new, Some(4490)), (&zone, None), (&zone, Some(4527)), (&zone, Some(2363))] {
            let words = NamedCrs::new(wkt, epsg).understood.unwrap_err();
            assert!(words.zh.contains("西安 1980") && words.en.contains("Xi'an 1980"), "{words:?}");
        }
    }

    #[test]
    fn an_ellipsoid_of_another_size_is_not_ours_under_our_name() {
        let krassovsky = GEOGRAPHIC.replace("298.257222101", "298.3").replace("6378137.0", "6378245.0");
        assert_eq!(understood(&krassovsky, None), None);
        assert_eq!(understood(&projected("x", 500_000.0, 117.0).replace(GEOGRAPHIC, &krassovsky), Some(4548)), None);
        // GRS 80 has the numbers of CGCS2000; so has WGS 84 but for a tenth of a millimetre.
        assert_eq!(understood(&GEOGRAPHIC.replace("298.257222101", "298.257223563"), None).as_deref(), Some("EPSG:4490"));
    }

    #[test]
    fn other_units_origins_and_scales_are_not_ours() {
        let metres = projected("CGCS2000_3_Degree_GK_Zone_39", 39_500_000.0, 117.0);
        for (right, wrong) in [
            (r#"UNIT["Meter",1.0]"#, r#"UNIT["Foot_US",0.304800609601219]"#),
            (r#"UNIT["Meter",1.0]"#, r#"UNIT["Kilometer",1000.0]"#),
            (r#"UNIT["Degree",0.0174532925199433]"#, r#"UNIT["Grad",0.015707963267949]"#),
            (r#"PRIMEM["Greenwich",0.0]"#, r#"PRIMEM["Paris",2.337229166666667]"#),
            (r#"PARAMETER["Scale_Factor",1.0]"#, r#"PARAMETER["Scale_Factor",0.9996]"#),
            (r#"PARAMETER["Latitude_Of_Origin",0.0]"#, r#"PARAMETER["Latitude_Of_Origin",30.0]"#),
        ] {
            assert!(metres.contains(right));
            let geographic = right.contains("Degree");
            let wkt = if geographic { GEOGRAPHIC.replace(right, wrong) } else { metres.replace(right, wrong) };
            assert_eq!(understood(&wkt, None), None, "{wrong}");
            assert_eq!(understood(&wkt, Some(if geographic { 4490 } else { 4527 })), None, "{wrong}, under a code of ours");
        }
    }

    #[test]
    fn web_mercator_is_believed_by_code_or_name_on_ground_that_is_ours() {
        let wgs84 = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
        let mercator = |name: &str| format!(r#"PROJCS["{name}",{wgs84},PROJECTION["Mercator_Auxiliary_Sphere"],UNIT["Meter",1.0]]"#);
        assert_eq!(understood(&mercator("WGS 84 / Pseudo-Mercator"), Some(3857)).as_deref(), Some("EPSG:3857"));
        assert_eq!(understood(&mercator("local"), None), None);
        assert_eq!(understood(wgs84, None).as_deref(), Some("EPSG:4326"));
    }

    #[test]
    fn six_degree_zones_are_named_with_what_to_do() {
        // Oracle: the EPSG register: 4498 is CGCS2000 / Gauss-Kruger zone 20 (117°E, false easting 20500000), 4509 is CGCS2000 / Gauss-Kruger CM 117E.
        for words in
            [why_not("EPSG:4498"), why_not("urn:ogc:def:crs:EPSG::4498"), NamedCrs::new(&projected("x", 20_500_000.0, 117.0), None).understood.unwrap_err()]
        {
            assert!(words.zh.contains("6 度带 20 带") && words.zh.contains("EPSG:4527") && words.zh.contains("EPSG:4548"), "{words:?}");
        }
        assert!(why_not("4509").zh.contains("请指定 EPSG:4548"));
        assert_eq!(understood(&projected("CGCS2000 / Gauss-Kruger CM 117E", 500_000.0, 117.0), Some(4509)).as_deref(), Some("EPSG:4548"));
        assert!(why_not("EPSG:2363").zh.contains("西安 1980") && why_not("EPSG:2436").zh.contains("北京 1954"));
        assert!(why_not("EPSG:32650").en.contains("UTM zone 50N") && why_not("local").zh.contains("“local”"));
    }

    #[test]
    fn gauss_kruger_on_wgs_84_is_asked_about() {
        let wgs84 = GEOGRAPHIC.replace("D_China_2000", "WGS_1984").replace("298.257222101", "298.257223563");
        let words = NamedCrs::new(&projected("unnamed", 39_500_000.0, 117.0).replace(GEOGRAPHIC, &wgs84), None).understood.unwrap_err();
        assert!(words.zh.contains("请指定坐标系 EPSG:4527") && words.en.contains("say that the CRS is EPSG:4527"), "{words:?}");
    }
}

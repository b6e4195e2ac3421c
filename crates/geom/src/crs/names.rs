//! Names of coordinate reference systems: EPSG codes, URNs and URLs of the OGC, and what Esri calls the same thing.

use super::{Crs, Degrees, UnknownCrs, ZONES};
use std::fmt;

impl Crs {
    /// What [`parse`](Self::parse) understands, for people.
    pub const UNDERSTOOD: &str = "EPSG:4490, EPSG:4326, OGC:CRS84, EPSG:3857, EPSG:4513–4533 (CGCS2000 3-degree Gauss–Krüger, zones 25–45) and EPSG:4534–4554 (the same without zone in the easting)";

    /// The CRS of an EPSG code.
    #[must_use]
    pub fn from_epsg(code: u32) -> Option<Self> {
        match code {
            4490 => Some(Self::Geographic(Degrees::Cgcs2000)),
            4326 => Some(Self::Geographic(Degrees::Wgs84)),
            3857 | 900_913 => Some(Self::WebMercator),
            4513..=4533 => Some(Self::GaussKruger { zone: (code - 4488) as u8, prefixed: true }),
            4534..=4554 => Some(Self::GaussKruger { zone: (code - 4509) as u8, prefixed: false }),
            _ => None,
        }
    }

    /// Its EPSG code; CRS84 has none and answers that of WGS 84, which is the same in longitude and latitude.
    #[must_use]
    pub fn epsg(self) -> u32 {
        match self {
            Self::Geographic(Degrees::Cgcs2000) => 4490,
            Self::Geographic(Degrees::Wgs84 | Degrees::Crs84) => 4326,
            Self::WebMercator => 3857,
            Self::GaussKruger { zone, prefixed } => u32::from(zone) + if prefixed { 4488 } else { 4509 },
        }
    }

    /// Reads a name: `EPSG:4527`, `4527`, the URN and URL forms, and what Esri calls the same thing.
    pub fn parse(name: &str) -> Result<Self, UnknownCrs> {
        let lower = name.trim().to_lowercase();
        authority(&lower).or_else(|| by_title(&lower)).ok_or_else(|| UnknownCrs { name: name.trim().to_owned() })
    }
}

impl fmt::Display for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Geographic(Degrees::Cgcs2000) => f.write_str("EPSG:4490"),
            Self::Geographic(Degrees::Wgs84) => f.write_str("EPSG:4326"),
            Self::Geographic(Degrees::Crs84) => f.write_str("OGC:CRS84"),
            Self::WebMercator => f.write_str("EPSG:3857"),
            Self::GaussKruger { zone, prefixed } => write!(f, "EPSG:{}", u32::from(zone) + if prefixed { 4488 } else { 4509 }),
        }
    }
}

impl std::str::FromStr for Crs {
    type Err = UnknownCrs;
    fn from_str(name: &str) -> Result<Self, UnknownCrs> {
        Self::parse(name)
    }
}

impl TryFrom<String> for Crs {
    type Error = UnknownCrs;
    fn try_from(name: String) -> Result<Self, UnknownCrs> {
        Self::parse(&name)
    }
}

impl From<Crs> for String {
    fn from(crs: Crs) -> Self {
        crs.to_string()
    }
}

/// A lower-case name that cites an authority and a code.
fn authority(name: &str) -> Option<Crs> {
    const EPSG: [&str; 5] = ["epsg:", "urn:ogc:def:crs:epsg:", "urn:x-ogc:def:crs:epsg:", "www.opengis.net/def/crs/epsg/", "www.opengis.net/gml/srs/epsg.xml#"];
    const OGC: [&str; 4] = ["ogc:", "urn:ogc:def:crs:ogc:", "urn:x-ogc:def:crs:ogc:", "www.opengis.net/def/crs/ogc/"];
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    // Between authority and code there may be a version: `EPSG::4490`, `EPSG:9.9.1:4490`, `EPSG/0/4490`.
    let code_after = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).and_then(|rest| rest.rsplit([':', '/']).next());
    if code_after(&OGC) == Some("crs84") {
        return Some(Crs::CRS84);
    }
    let code = code_after(&EPSG).unwrap_or(name);
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Crs::from_epsg(code.parse().ok()?)
}

/// A lower-case title, as EPSG and Esri print it: `CGCS2000 / 3-degree Gauss-Kruger zone 39`, `CGCS2000_3_Degree_GK_CM_117E`.
fn by_title(name: &str) -> Option<Crs> {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    match letters.as_str() {
        "cgcs2000" | "gcschinageodeticcoordinatesystem2000" | "chinageodeticcoordinatesystem2000" | "国家2000" | "2000国家大地坐标系" => {
            return Some(Crs::Geographic(Degrees::Cgcs2000));
        }
        "wgs84" | "gcswgs1984" => return Some(Crs::Geographic(Degrees::Wgs84)),
        "crs84" => return Some(Crs::CRS84),
        _ => {}
    }
    let rest = letters.strip_prefix("cgcs20003degree")?;
    let rest = rest.strip_prefix("gk").or_else(|| rest.strip_prefix("gausskruger")).or_else(|| rest.strip_prefix("gausskrüger"))?;
    let (zone, prefixed): (u32, bool) = if let Some(meridian) = rest.strip_prefix("cm") {
        let meridian: u32 = meridian.strip_suffix('e')?.parse().ok()?;
        (meridian.is_multiple_of(3).then_some(meridian / 3)?, false)
    } else {
        (rest.strip_prefix("zone")?.parse().ok()?, true)
    };
    let zone = u8::try_from(zone).ok().filter(|zone| ZONES.contains(zone))?;
    Some(Crs::GaussKruger { zone, prefixed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crs(name: &str) -> Crs {
        name.parse().unwrap()
    }

    #[test]
    fn every_code_reads_back_as_itself() {
        for code in [4490, 4326, 3857].into_iter().chain(4513..=4554) {
            assert_eq!(crs(&code.to_string()).to_string(), format!("EPSG:{code}"));
        }
        assert_eq!(crs("EPSG:4527"), Crs::GaussKruger { zone: 39, prefixed: true });
        assert_eq!(crs("EPSG:4549"), Crs::GaussKruger { zone: 40, prefixed: false });
        assert_eq!(Crs::CRS84.to_string().parse(), Ok(Crs::CRS84));
    }

    #[test]
    fn one_crs_has_many_names() {
        for (names, expected) in [
            (
                "EPSG:4490|epsg:4490|4490|urn:ogc:def:crs:EPSG::4490|urn:ogc:def:crs:EPSG:9.9.1:4490|urn:x-ogc:def:crs:EPSG:4490|http://www.opengis.net/def/crs/EPSG/0/4490|http://www.opengis.net/gml/srs/epsg.xml#4490|CGCS2000| GCS_China_Geodetic_Coordinate_System_2000 ",
                "EPSG:4490",
            ),
            ("urn:ogc:def:crs:OGC:1.3:CRS84|OGC:CRS84|CRS84|urn:ogc:def:crs:OGC::CRS84|https://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84"),
            ("WGS 84|WGS84|GCS_WGS_1984", "EPSG:4326"),
            ("CGCS2000_3_Degree_GK_Zone_39|CGCS2000 / 3-degree Gauss-Kruger zone 39", "EPSG:4527"),
            ("CGCS2000_3_Degree_GK_CM_117E|CGCS2000 / 3-degree Gauss-Kruger CM 117E", "EPSG:4548"),
        ] {
            for name in names.split('|') {
                assert_eq!(crs(name).to_string(), expected, "{name}");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_is_known() {
        for name in [
            "",
            "EPSG:",
            "EPSG:4512",
            "EPSG:4555",
            "EPSG:2364",
            "EPSG:99999999999",
            "EPSG:-1",
            "Beijing 1954",
            "CGCS2000_3_Degree_GK_Zone_46",
            "CGCS2000_3_Degree_GK_CM_118E",
            "urn:ogc:def:crs:OGC:1.3:CRS83",
            "local",
        ] {
            let error = Crs::parse(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("EPSG:4513–4533"), "{error}");
        }
    }
}

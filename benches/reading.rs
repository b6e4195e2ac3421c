//! How fast a GeoJSON file is read: cut into batches, then parsed, each on one core.
//!
//! `cargo bench --bench reading [-- FILE]`. Without a file, 100 000 patches of 24 vertices with nine decimals are made up first.

use std::{error::Error, fmt::Write as _, io::Write, path::PathBuf, time::Instant};
use tuban::formats::{FeatureBatch, FeatureBounds, FeatureSource, FieldMap, Wanted, geojson::Reader};

fn main() -> Result<(), Box<dyn Error>> {
    let mut made_up = tempfile::NamedTempFile::new()?;
    let path = if let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        PathBuf::from(path)
    } else {
        make_up(made_up.as_file_mut(), 100_000, 24)?;
        made_up.path().to_path_buf()
    };
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
    println!("{megabytes:.1} MB");
    for _ in 0..5 {
        let start = Instant::now();
        let mut source = Reader::open(&path, None, FeatureBounds::default())?;
        while source.next_batch()?.is_some() {}
        let passed = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut source = Reader::open(&path, None, FeatureBounds::default())?;
        let mut batches: Vec<Box<dyn FeatureBatch>> = Vec::new();
        while let Some(batch) = source.next_batch()? {
            batches.push(batch);
        }
        let cut = start.elapsed().as_secs_f64();
        let keys = batches.first().map(|batch| batch.keys(1000)).transpose()?.unwrap_or_default();
        let fields = FieldMap::resolve(Wanted::Survey, &keys, &[]).map_err(|words| words.en)?;
        let start = Instant::now();
        let (mut features, mut vertices) = (0, 0);
        for batch in &batches {
            for index in 0..batch.len() {
                let feature = batch.feature(index, &fields)?;
                features += 1;
                vertices += feature.geometry.map_or(0, |outline| outline.positions.len());
            }
        }
        let parsed = start.elapsed().as_secs_f64();
        println!(
            "{features} features, {vertices} vertices: cut {:.0} MB/s (all kept in memory: {:.0} MB/s), parse {:.0} MB/s ({:.1} ns a vertex)",
            megabytes / passed,
            megabytes / cut,
            megabytes / parsed,
            parsed * 1e9 / f64::from(vertices as u32)
        );
    }
    Ok(())
}

/// Writes a survey: stars of `corners` corners strewn over a degree.
fn make_up(file: &mut std::fs::File, features: u32, corners: u32) -> Result<(), Box<dyn Error>> {
    let mut file = std::io::BufWriter::new(file);
    writeln!(
        file,
        r#"{{"type":"FeatureCollection","name":"bench","crs":{{"type":"name","properties":{{"name":"urn:ogc:def:crs:EPSG::4490"}}}},"invented":true,"features":["#
    )?;
    let mut line = String::new();
    for row in 0..features {
        let (x, y) = (117.5 + f64::from(row % 1009) * 0.001_5, 34.5 + f64::from(row % 997) * 0.001_5);
        line.clear();
        write!(
            line,
            r#"{{"type":"Feature","properties":{{"JCBH":"3713{row:08}","XZQDM":"371302","XZQMC":"兰山区","TBLX":"建筑物","JCMJ":{}.25}},"geometry":{{"type":"Polygon","coordinates":[["#,
            row % 9973
        )?;
        for corner in 0..corners {
            let (sin, cos) = (f64::from(corner % (corners - 1)) / f64::from(corners - 1) * std::f64::consts::TAU).sin_cos();
            let radius = 0.000_3 + 0.000_1 * f64::from((corner % (corners - 1) * 7 + row) % 13) / 13.0;
            write!(line, "{}[{:.9},{:.9}]", if corner > 0 { "," } else { "" }, x + radius * cos, y + radius * sin)?;
        }
        write!(line, "]]}}}}{}", if row + 1 < features { "," } else { "" })?;
        writeln!(file, "{line}")?;
    }
    file.write_all(b"]}\n")?;
    Ok(file.flush()?)
}

//! A file as it arrives: recognised by its content, unpacked, its layers known, and one of them chosen to be read.

use super::crs_text::NamedCrs;
use super::encoding::{self, Evidence};
use super::ogr::{self, Announced, Confinement, LayerHeader, Worker, Workshop};
use super::sniff::{self, Kind};
use super::{FeatureBatch, FeatureSource, Head, ReadError, Room, adopting::adopt, archive, field_names, geojson, land_txt, prj, shapefile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tuban_engine::model::Words;
use tuban_geom::Crs;

/// What people say of a file; it wins over what the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stated {
    /// Its CRS.
    pub crs: Option<Crs>,
    /// Which of its layers is meant.
    pub layer: Option<String>,
    /// What its text is in.
    pub encoding: Option<String>,
    /// What to do with an offset of GCJ-02, where people have been asked.
    pub gcj02: Option<Gcj02>,
    /// That it has no features, and is meant to have none.
    #[serde(default)]
    pub empty: bool,
}

tuban_engine::model::words! {
    /// What people want done with an offset of GCJ-02 that a file may carry.
    Gcj02 {
        /// There is none, or it shall stay: positions are taken as they are.
        Keep = "keep",
        /// There is one: take it off every position.
        Remove = "remove",
    }
}

/// A file whose layers are known.
#[derive(Debug)]
pub struct Arrival {
    workshop: Workshop,
    /// Where it was unpacked or linked; gone with the value.
    folder: Option<ogr::Folder>,
    format: String,
    datasets: Vec<Dataset>,
    layers: Vec<Layer>,
    confinement: Option<Confinement>,
}

/// One file, or several that belong together.
#[derive(Debug)]
struct Dataset {
    path: PathBuf,
    kind: Kind,
    title: String,
    /// Where it was in the archive that it came in, with folders and extension.
    place: String,
    /// For a Shapefile.
    evidence: Option<Evidence>,
    /// What its `.prj` says.
    prj: Option<String>,
    /// What people should know of how it was made readable.
    notes: Vec<Words>,
}

/// A layer of a file.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// What it is in, e.g. `Shapefile`.
    pub format: &'static str,
    /// Its geometry type in GDAL's words; empty where only reading it tells.
    pub geometry: String,
    /// Whether polygons can be in it.
    pub polygonal: bool,
    /// Features it says it has.
    pub count: Option<u64>,
    /// Its CRS, where it names one.
    pub crs: Option<NamedCrs>,
    /// What GDAL complained of while it looked at the layer: it cannot be read, or not all of it.
    pub trouble: Option<String>,
    /// Its fields' names as the bytes they are.
    fields: Vec<Vec<u8>>,
    dataset: usize,
    index: usize,
}

/// Layers of a file. A KML may have as many folders as it likes.
const MOST_LAYERS: usize = 1000;
/// Layers named in a sentence, and characters of the name of each.
const LISTED: (usize, usize) = (20, 80);

impl Arrival {
    /// Looks at the file at `path`, which people call `name`.
    ///
    /// # Errors
    /// When it is nothing that can be read here, with what to do about it.
    pub fn receive(path: &Path, name: &str, workshop: &Workshop) -> Result<Self, ReadError> {
        let title = Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        let kind = sniff::kind(path)?;
        let mut arrival = Self {
            workshop: workshop.clone(),
            folder: None,
            format: kind.map_or("?", Kind::name).to_owned(),
            datasets: Vec::new(),
            layers: Vec::new(),
            confinement: None,
        };
        let found = match kind {
            Some(Kind::GeoJson) => vec![(path.to_owned(), title, name.to_owned(), Kind::GeoJson)],
            Some(kind @ (Kind::Zip | Kind::Gzip)) => {
                let folder = arrival.folder()?;
                let found = if kind == Kind::Zip { archive::unzip(path, &folder)? } else { archive::untar(path, &folder)? };
                found
                    .into_iter()
                    .map(|found| Ok((sniff::kind(&found.path)?, found)))
                    .collect::<Result<Vec<_>, ReadError>>()?
                    .into_iter()
                    // Text lies in archives for many reasons; only that of boundary points is data.
                    .filter(|(kind, found)| *kind == Some(Kind::LandTxt) || !sniff::has_extension(&found.path, "txt"))
                    .map(|(kind, found)| believe(kind, &found.title).map(|kind| (found.path, found.title, found.place, kind)))
                    .collect::<Result<_, _>>()?
            }
            kind => {
                let kind = believe(kind, name)?;
                let folder = arrival.folder()?.join("0");
                vec![(adopt(path, kind, &folder)?, title, name.to_owned(), kind)]
            }
        };
        if found.is_empty() {
            return Err(archive::nothing_but_text());
        }
        for (path, title, place, kind) in found {
            if kind == Kind::EsriJson && sniff::is_part_of_an_answer(&path)? {
                return Err(ReadError::part_of_an_answer());
            }
            let (evidence, prj) = if kind == Kind::Shapefile { (Some(shapefile::check(&path)?), prj::put_in_order(&path)?) } else { (None, None) };
            arrival.datasets.push(Dataset { path, kind, title, place, evidence, prj, notes: Vec::new() });
        }
        if kind == Some(Kind::Zip) || kind == Some(Kind::Gzip) {
            let mut kinds: Vec<&str> = arrival.datasets.iter().map(|dataset| dataset.kind.name()).collect();
            kinds.dedup();
            arrival.format = format!("{}（{}）", arrival.format, kinds.join("、"));
        }
        for number in 0..arrival.datasets.len() {
            arrival.workshop.is_asked()?;
            arrival.describe(number)?;
        }
        arrival.tell_apart();
        Ok(arrival)
    }

    fn folder(&mut self) -> Result<PathBuf, ReadError> {
        let folder = self.workshop.folder()?;
        let path = folder.path.clone();
        self.folder = Some(folder);
        Ok(path)
    }

    /// Lists the layers of a dataset.
    fn describe(&mut self, number: usize) -> Result<(), ReadError> {
        let dataset = &mut self.datasets[number];
        let (kind, title) = (dataset.kind, dataset.title.clone());
        let mut translated = None;
        if kind == Kind::LandTxt {
            let readable = dataset.path.with_extension("geojson");
            let made = land_txt::translate(&dataset.path, &readable, &self.workshop.feature_bounds())?;
            (dataset.path, dataset.notes) = (readable, made.notes.clone());
            translated = Some(made);
        }
        let dataset = &self.datasets[number];
        let Some(driver) = dataset.driver() else {
            self.layers.push(Layer {
                name: title,
                format: kind.name(),
                geometry: String::new(),
                polygonal: true,
                count: translated.as_ref().map(|made| made.parcels),
                crs: translated.and_then(|made| made.crs),
                trouble: None,
                fields: Vec::new(),
                dataset: number,
                index: 0,
            });
            return Ok(());
        };
        let encoding = dataset.evidence.as_ref().map(|evidence| evidence.choose(None)).transpose()?;
        let (worker, header) = Worker::read(&self.workshop, &self.work_folder()?, &dataset.path, driver, encoding.map(|choice| choice.label), None)?;
        // All data sets of a file together must not take longer than one may.
        self.workshop.in_all = worker.left();
        self.confinement = Some(header.confinement);
        let layers = self.layers.len() + header.layers.len();
        if layers > MOST_LAYERS {
            return Err(ReadError::refused(
                "too_many_layers",
                format!("文件中有 {layers} 个图层，最多 {MOST_LAYERS} 个，请只导出需要上传的图层"),
                format!("the file has {layers} layers, and {MOST_LAYERS} are taken; export only what is to be uploaded"),
            ));
        }
        let by_file = kind.is_named_by_its_file();
        let prj = dataset.prj.clone();
        self.layers.extend(header.layers.into_iter().enumerate().map(|(index, layer): (usize, LayerHeader)| Layer {
            name: if by_file { title.clone() } else { layer.name },
            format: kind.name(),
            geometry: layer.geometry,
            polygonal: layer.polygonal || kind == Kind::Dxf,
            count: u64::try_from(layer.count).ok(),
            crs: layer.wkt.map(|wkt| NamedCrs::new(&wkt, layer.epsg)).or_else(|| prj.as_deref().map(prj::named)),
            trouble: layer.trouble,
            fields: layer.fields.into_iter().map(|field| field.raw).collect(),
            dataset: number,
            index,
        }));
        Ok(())
    }

    /// Layers of one name get the file's before it, and a number where that is the same, too: each must be one that people can ask for.
    fn tell_apart(&mut self) {
        let counted = |layers: &[Layer]| {
            layers.iter().fold(HashMap::new(), |mut counts: HashMap<String, usize>, layer| {
                *counts.entry(layer.name.clone()).or_default() += 1;
                counts
            })
        };
        let counts = counted(&self.layers);
        for layer in self.layers.iter_mut().filter(|layer| counts[&layer.name] > 1) {
            let Dataset { place, kind, .. } = &self.datasets[layer.dataset];
            layer.name = if kind.is_named_by_its_file() { place.clone() } else { format!("{place}/{}", layer.name) };
        }
        let (counts, mut numbers) = (counted(&self.layers), HashMap::new());
        for layer in self.layers.iter_mut().filter(|layer| counts[&layer.name] > 1) {
            let number: &mut usize = numbers.entry(layer.name.clone()).or_default();
            *number += 1;
            layer.name = format!("{} ({number})", layer.name);
        }
    }

    fn work_folder(&self) -> Result<PathBuf, ReadError> {
        match &self.folder {
            Some(folder) => Ok(folder.path.clone()),
            None => Err(ReadError::Io(std::io::ErrorKind::NotFound.into())),
        }
    }

    /// What the file is, for people.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Its layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What held the process that looked at it; none where our own reader did.
    #[must_use]
    pub fn confinement(&self) -> Option<&Confinement> {
        self.confinement.as_ref()
    }

    /// The layer that is meant: the one named, else the only one with polygons that is not empty.
    ///
    /// # Errors
    /// When that is none, or not one; the words list them with their counts.
    pub fn choose(&self, named: Option<&str>) -> Result<&Layer, ReadError> {
        if self.layers.is_empty() {
            return Err(ReadError::refused(
                "no_polygons",
                "文件中一个图层也没有，很可能不完整（如 FileGDB 缺了表文件），请重新打包或导出",
                "there is not one layer in the file, which is most likely incomplete (a FileGDB without its tables, say); pack or export it again",
            ));
        }
        let list = || {
            let (most, letters) = LISTED;
            let count = |layer: &Layer| match (&layer.trouble, layer.count) {
                (Some(_), _) => "读不出 unreadable，".to_owned(),
                (None, count) => count.map(|count| format!("{count}，")).unwrap_or_default(),
            };
            let name = |layer: &Layer| layer.name.chars().take(letters).collect::<String>();
            let listed = self.layers.iter().take(most).map(|layer| format!("{}（{}{}）", name(layer), count(layer), layer.geometry));
            let more = self.layers.len().checked_sub(most).filter(|more| *more > 0).map(|more| format!("… +{more}"));
            listed.chain(more).collect::<Vec<_>>().join("；")
        };
        let one = |layers: Vec<&'_ Layer>, few: ReadError, many: &dyn Fn() -> ReadError| -> Result<usize, ReadError> {
            match layers[..] {
                [only] => Ok(self.layers.iter().position(|layer| std::ptr::eq(layer, only)).unwrap_or_default()),
                [] => Err(few),
                _ => Err(many()),
            }
        };
        let several = || {
            let all = list();
            ReadError::refused(
                "several_layers",
                format!("文件中有多个面图层：{all}；请指明要哪一个"),
                format!("the file has several layers of polygons: {all}; say which"),
            )
        };
        let index = if let Some(name) = named {
            let none = ReadError::refused(
                "no_such_layer",
                format!("文件中没有图层“{name}”，有：{}", list()),
                format!("the file has no layer “{name}”; it has {}", list()),
            );
            one(self.layers.iter().filter(|layer| layer.name == name).collect(), none, &several)?
        } else {
            let none = ReadError::refused("no_polygons", format!("文件中没有面图层：{}", list()), format!("the file has no layer of polygons: {}", list()));
            let polygonal: Vec<&Layer> = self.layers.iter().filter(|layer| layer.polygonal).collect();
            // KML has an empty layer for every folder that holds only others. What cannot be read is not empty for that.
            let filled: Vec<&Layer> = polygonal.iter().copied().filter(|layer| layer.count != Some(0) || layer.trouble.is_some()).collect();
            one(if filled.is_empty() { polygonal } else { filled }, none, &several)?
        };
        let layer = &self.layers[index];
        layer.trouble.as_ref().map_or(Ok(layer), |trouble| Err(ogr::unreadable(&layer.name, trouble)))
    }

    /// The encoding that the text of a layer is read in; none where its format has but one.
    ///
    /// # Errors
    /// When people name one that there is not, whatever the format.
    pub fn encoding(&self, layer: &Layer, stated: &Stated) -> Result<Option<encoding::Choice>, ReadError> {
        stated.encoding.as_deref().map(encoding::known).transpose()?;
        self.datasets[layer.dataset].evidence.as_ref().map(|evidence| evidence.choose(stated.encoding.as_deref())).transpose()
    }

    /// What people should know where they name an encoding for a layer whose format has but one, which is then read as ever: any other would garble it.
    #[must_use]
    pub fn encoding_passed_over(&self, stated: &Stated) -> Option<Words> {
        let layer = self.choose(stated.layer.as_deref()).ok()?;
        let label = stated.encoding.as_deref().filter(|_| self.datasets[layer.dataset].evidence.is_none())?;
        let format = layer.format;
        Some(Words::new(
            format!("{format} 的文字编码是固定的，指定的 {label} 没有采用（只有 Shapefile 需要指定）"),
            format!("the text of {format} has an encoding of its own, so {label} was passed over (only a Shapefile needs one)"),
        ))
    }

    /// Memory for its features while they are read and judged.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.workshop.room
    }

    /// Opens the layer that is meant.
    pub fn open(&self, stated: &Stated) -> Result<Box<dyn FeatureSource>, ReadError> {
        let source = self.open_source(stated)?;
        Ok(if self.workshop.asked.is_some() { Box::new(WhileAsked { source, workshop: self.workshop.clone() }) } else { source })
    }

    fn open_source(&self, stated: &Stated) -> Result<Box<dyn FeatureSource>, ReadError> {
        let layer = self.choose(stated.layer.as_deref())?;
        let dataset = &self.datasets[layer.dataset];
        let encoding = self.encoding(layer, stated)?;
        let named = match (&stated.crs, &layer.crs) {
            (None, Some(named)) => Some(named.understood.clone().map_err(|words| ReadError::refused("unknown_crs", words.zh, words.en))?),
            _ => None,
        };
        let Some(driver) = dataset.driver() else {
            return Ok(Box::new(
                geojson::Reader::open(&dataset.path, stated.crs.or(named), self.workshop.feature_bounds())?.noting(dataset.notes.iter().cloned()),
            ));
        };
        let mut notes = Vec::new();
        if stated.crs.is_none() && named.is_none() {
            notes.push(Words::new("文件没有说明坐标系，按经纬度（CGCS2000）读取", "the file names no CRS; it was read as longitude and latitude (CGCS2000)"));
        }
        if let Some(choice) = &encoding {
            notes.push(Words::new(format!("文字编码：{}，{}", choice.label, choice.why.zh), format!("text encoding: {}, {}", choice.label, choice.why.en)));
        }
        let label = encoding.as_ref().map(|choice| choice.label);
        let names = field_names::told_apart(&layer.fields, label);
        let (worker, _) = Worker::read(&self.workshop, &self.work_folder()?, &dataset.path, driver, label, Some((layer.index, &names)))?;
        let degrees = Crs::from_epsg(4490).unwrap_or(Crs::CRS84);
        let head = Head { crs: named, name: Some(layer.name.clone()), notes, by_direction: dataset.kind == Kind::Shapefile, ..Head::default() };
        let announced = Announced {
            features: layer.count.unwrap_or(0),
            table: (dataset.kind == Kind::Shapefile).then(|| dataset.path.clone()),
            may_be_stale: matches!(dataset.kind, Kind::GeoPackage | Kind::MapInfo),
        };
        let has_curves = dataset.kind == Kind::EsriJson && sniff::has_curve_rings(&dataset.path)?;
        Ok(Box::new(ogr::Reader::new(worker, head, stated.crs.or(named).unwrap_or(degrees), announced).with_curves(has_curves)))
    }
}

/// A layer that is read as long as somebody waits for what becomes of it.
struct WhileAsked {
    source: Box<dyn FeatureSource>,
    workshop: Workshop,
}

impl FeatureSource for WhileAsked {
    fn head(&self) -> &Head {
        self.source.head()
    }

    fn crs(&self) -> Crs {
        self.source.crs()
    }

    fn next_batch(&mut self) -> Result<Option<Box<dyn FeatureBatch>>, ReadError> {
        self.workshop.is_asked()?;
        self.source.next_batch()
    }

    fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}

impl Dataset {
    fn driver(&self) -> Option<&'static str> {
        self.kind.driver().map(|(driver, _)| driver)
    }
}

/// The kind, where it can be read; else why not and what to do.
fn believe(kind: Option<Kind>, name: &str) -> Result<Kind, ReadError> {
    let refused = |zh: String, en: String| Err(ReadError::refused("unsupported_format", zh, en));
    match kind {
        Some(Kind::SevenZip | Kind::Rar) => {
            let kind = kind.map_or("", Kind::name);
            refused(format!("不支持 {kind} 压缩包，请解压后改用 ZIP 压缩再上传"), format!("{kind} archives are not taken; unpack it and pack it as ZIP"))
        }
        Some(Kind::Zip | Kind::Gzip) => {
            refused(format!("“{name}”其实是压缩包，请直接上传压缩包"), format!("“{name}” is really an archive; upload the archive itself"))
        }
        Some(Kind::Foreign(foreign)) => refused(format!("“{name}”是{}", foreign.zh), format!("“{name}” is {}", foreign.en)),
        Some(Kind::Table) => refused(
            "只有 .dbf 属性表，没有图形；请把 .shp、.shx、.dbf、.prj 一起打包上传".into(),
            "it is only a table (.dbf) without shapes; pack .shp, .shx, .dbf and .prj together".into(),
        ),
        Some(kind) => Ok(kind),
        None => refused(
            format!(
                "认不出“{name}”是什么格式；可用 GeoJSON、Shapefile（打成 ZIP）、FileGDB（打成 ZIP）、GeoPackage、FlatGeobuf、KML、MapInfo、DXF、国土 TXT、Esri JSON、TopoJSON"
            ),
            format!(
                "“{name}” is of no format that is known; use GeoJSON, a zipped Shapefile or FileGDB, GeoPackage, FlatGeobuf, KML, MapInfo, DXF, 国土 TXT, Esri JSON or TopoJSON"
            ),
        ),
    }
}

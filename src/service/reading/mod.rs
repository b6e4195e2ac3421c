//! Opening a file for the service: its CRS believed or contradicted, its fields found, before the first feature is judged.

pub(crate) mod diagnostics;
pub mod inspect;
pub(crate) mod origin;

use crate::formats::{Arrival, FeatureBatch, FeatureSource, Field, FieldMap, Gcj02, Head, Held, RawFeature, Room, Stated, Wanted, contradiction_words};
use crate::service::{Refusal, RefusalKind, ServiceError};
use std::collections::BTreeSet;
use tuban_engine::model::{LayerKind, Words};
use tuban_engine::{atlas::Atlas, normalize::Intake, ordered::in_order};
use tuban_geom::{Bounds, Crs, Plane, Written, typical};

/// What to read, and what is known of it from elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The file.
    pub file: &'a Arrival,
    /// What it is read for.
    pub wanted: Wanted,
    /// What people say of it.
    pub stated: &'a Stated,
    /// `OUR=THEIRS`, where people say so; `OUR=` for a field that the file does not have.
    pub map: &'a [String],
    /// The box that its coordinates are held against, degrees: see [`home`].
    pub counties: Option<&'a Bounds>,
}

/// The box of the counties in force, degrees. A layer of counties is not held against it: it may have come to put a wrong one right.
#[must_use]
pub fn home(wanted: Wanted, atlas: &Atlas) -> Option<&Bounds> {
    atlas.counties_bounds().filter(|_| wanted != Wanted::Layer(LayerKind::County))
}

/// A file whose first features have been looked at.
pub struct Reading {
    source: Box<dyn FeatureSource>,
    room: Room,
    first: Option<Box<dyn FeatureBatch>>,
    fields: FieldMap,
    keys: BTreeSet<String>,
    gcj02: Option<Gcj02>,
    candidates: Vec<Crs>,
    says_ids: bool,
    /// The most decimals that the first features' coordinates have.
    decimals: Option<u8>,
    /// What was noticed before the first feature was judged.
    notes: Vec<Words>,
}

/// Bytes of a row that are shown of one, and what is shown of a longer one: it may be as long as a feature's text.
const LONGEST_SHOWN: usize = 64 << 10;
const NOT_SHOWN: &str = r#"{"…":"太长，未显示 / too long to be shown"}"#;
/// Features looked at for field names and coordinates.
const SAMPLE: usize = 1000;

impl Reading {
    /// Opens the file and looks at its first features.
    ///
    /// # Errors
    /// Also where its coordinates cannot be in its CRS.
    pub fn open(wish: &Wish<'_>) -> Result<Self, ServiceError> {
        match Self::look(wish)? {
            (reading, None) => Ok(reading),
            (_, Some(contradiction)) => Err(contradiction.into()),
        }
    }

    /// Opens a file for inspection: a contradiction between its CRS and its coordinates is returned beside it, not refused.
    pub fn look(wish: &Wish<'_>) -> Result<(Self, Option<Refusal>), ServiceError> {
        let overrides = overrides(wish.map)?;
        let mut source = wish.file.open(wish.stated)?;
        let (first, room) = (source.next_batch()?, wish.file.room().clone());
        let crs = source.crs();
        let keys = first.as_ref().map(|batch| batch.keys(SAMPLE)).transpose()?.unwrap_or_default();
        let fields = FieldMap::resolve(wish.wanted, &keys, &overrides).map_err(|words| Refusal::new(RefusalKind::Unacceptable, "fields", words))?;
        let (mut refusal, mut candidates, mut decimals) = (None, Vec::new(), None);
        let mut notes: Vec<Words> = wish.file.encoding_passed_over(wish.stated).into_iter().collect();
        if let Some(batch) = &first {
            let (mut sample, _held) = (Vec::new(), room.hold_for(&**batch));
            for index in 0..batch.len().min(SAMPLE) {
                let feature = batch.feature(index, &fields)?;
                if let Ok(outline) = feature.geometry {
                    decimals = decimals.max(Some(feature.decimals));
                    sample.extend(outline.positions);
                }
            }
            let contradiction = (!sample.is_empty()).then(|| crs.contradiction(&typical(&sample), wish.counties)).flatten();
            if let Some(contradiction) = &contradiction
                && !contradiction.is_certain()
            {
                notes.push(contradiction_words(crs, contradiction));
            } else if let Some(contradiction) = &contradiction {
                if wish.stated.crs.is_none() && source.head().crs.is_none() {
                    // The CRS may follow the features; the source says so as an error of its own.
                    while source.next_batch()?.is_some() {}
                }
                contradiction.candidates().clone_into(&mut candidates);
                let offer = match contradiction.candidates() {
                    [only] => Some(format!("crs={only}")),
                    _ => None,
                };
                refusal = Some(Refusal { offer, ..Refusal::new(RefusalKind::Unacceptable, "wrong_crs", contradiction_words(crs, contradiction)) });
            }
        }
        let says_ids = overrides.iter().any(|(ours, _)| ours == Field::PatchId.word());
        Ok((Self { source, room, first, fields, keys, gcj02: wish.stated.gcj02, candidates, says_ids, decimals, notes }, refusal))
    }

    /// The CRS positions are taken to be in.
    #[must_use]
    pub fn crs(&self) -> Crs {
        self.source.crs()
    }

    /// How its coordinates are written, as far as its first features show.
    #[must_use]
    pub fn written(&self) -> Written {
        Written { crs: self.crs(), decimals: self.decimals }
    }

    /// Where its CRS is contradicted: those that would do instead.
    #[must_use]
    pub fn candidates(&self) -> &[Crs] {
        &self.candidates
    }

    /// How its outlines become regions of `plane`.
    #[must_use]
    pub fn intake(&self, plane: &Plane) -> Intake {
        let by_direction = self.head().by_direction;
        let (shifted, most_vertices) = (self.gcj02 == Some(Gcj02::Remove), self.room.vertices());
        Intake { shifted, by_direction, most_vertices, ..Intake::new(self.crs(), plane.clone()) }
    }

    /// Whether people have yet to say what to do with an offset of GCJ-02.
    #[must_use]
    pub fn gcj02_is_open(&self) -> bool {
        self.gcj02.is_none()
    }

    /// Whether it has no features at all. Only before reading has begun.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Whether people said which field holds the ids of patches.
    #[must_use]
    pub fn says_ids(&self) -> bool {
        self.says_ids
    }

    /// What the file says of itself, as far as it has been read.
    #[must_use]
    pub fn head(&self) -> &Head {
        self.source.head()
    }

    /// What people should know of how the file was read; complete once all is read.
    #[must_use]
    pub fn notes(&self) -> Vec<Words> {
        let head = self.head();
        let bent = head.bent.then(|| Words::new("图形中有圆弧，已按 0.1° 折线化", "outlines had arcs, which were straightened in steps of 0.1°"));
        let shifted = (self.gcj02 == Some(Gcj02::Remove)).then(|| {
            Words::new(
                "按要求去除了 GCJ-02（火星坐标）偏移，坐标与原文件不同",
                "the offset of GCJ-02 was taken off as told; positions are not those of the file",
            )
        });
        let garbled = (head.garbled > 0).then(|| {
            let rows = head.garbled;
            Words::new(
                format!("{rows} 行的文字按此编码读不全，读不出的字显示为“\u{FFFD}”；请核对编码，或字段宽度把汉字截断了"),
                format!("in {rows} rows there is text that is not all in this encoding; what cannot be read is shown as “\u{FFFD}”: check the encoding, or the width of a field has cut a character"),
            )
        });
        head.notes.iter().chain(&self.notes).cloned().chain(bent).chain(garbled).chain(shifted).collect()
    }

    /// Which of its fields is which of ours.
    #[must_use]
    pub fn fields(&self) -> &FieldMap {
        &self.fields
    }

    /// Names of the file's fields, as far as its first features have them.
    #[must_use]
    pub fn keys(&self) -> &BTreeSet<String> {
        &self.keys
    }

    /// The first rows: JSON objects, verbatim unless they are very long. Nothing where reading has begun.
    pub fn preview(&self, rows: usize) -> Result<Vec<String>, ServiceError> {
        let Some(first) = &self.first else { return Ok(Vec::new()) };
        let shown = |attributes: &str| if attributes.len() > LONGEST_SHOWN { NOT_SHOWN.to_owned() } else { attributes.to_owned() };
        (0..first.len().min(rows)).map(|index| Ok(shown(first.feature(index, &self.fields)?.attributes))).collect()
    }

    /// What `look` makes of the first feature, where there is one and reading has not begun.
    pub fn first<R>(&self, look: impl FnOnce(&RawFeature<'_>) -> R) -> Result<Option<R>, ServiceError> {
        match &self.first {
            Some(first) if !first.is_empty() => Ok(Some(look(&first.feature(0, &self.fields)?))),
            _ => Ok(None),
        }
    }

    /// Calls `work` on each feature, in parallel, and `take` on the results of each batch, in order. The first error of either ends it.
    pub fn each_batch<R: Send>(
        &mut self,
        work: impl Fn(RawFeature<'_>) -> Result<R, ServiceError> + Sync,
        take: impl FnMut(Vec<R>) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        self.fold_batches(
            Vec::with_capacity,
            |results, raw| {
                results.push(work(raw)?);
                Ok(())
            },
            take,
        )
    }

    /// Folds each batch to one result: `begin` is told how many features there are, `work` adds what comes of each, in order.
    pub fn fold_batches<R: Send>(
        &mut self,
        begin: impl Fn(usize) -> R + Sync,
        work: impl Fn(&mut R, RawFeature<'_>) -> Result<(), ServiceError> + Sync,
        take: impl FnMut(R) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        let Self { source, first, fields, room, .. } = self;
        let next = || {
            let batch = match first.take() {
                Some(batch) => Some(batch),
                None => source.next_batch()?,
            };
            Ok(batch.map(|batch| {
                let (bytes, held) = (batch.bytes(), room.hold_for(&*batch));
                ((batch, held), bytes)
            }))
        };
        let fold = |(batch, _held): (Box<dyn FeatureBatch>, Option<Held>)| {
            let mut result = begin(batch.len());
            (0..batch.len()).try_for_each(|index| work(&mut result, batch.feature(index, fields)?))?;
            Ok(result)
        };
        in_order(next, fold, take)
    }
}

fn overrides(map: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    map.iter()
        .map(|pair| match pair.split_once('=') {
            Some((ours, theirs)) if !ours.trim().is_empty() => Ok((ours.trim().to_owned(), theirs.trim().to_owned())),
            _ => {
                let words = Words::new(format!("字段对应“{pair}”应写成 本系统字段=文件字段"), format!("“{pair}” is not OUR=THEIRS"));
                Err(Refusal::new(RefusalKind::Unreadable, "fields", words))
            }
        })
        .collect()
}

//! What is noticed of a file's features on their way in, whichever door they come through and whatever they are read for: one place, so that no door keeps
//! silent about what another one says.

use crate::formats::few_decimals;
use crate::service::{Refusal, RefusalKind, reading::Reading};
use tuban_engine::model::{LONGEST_NAME, Words};
use tuban_engine::{atlas::Atlas, gcj02_evidence::Testimony, rule::Rule};

/// What was noticed so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noticed {
    decimals: u8,
    with_z: u64,
    mixed: u64,
    shortened: u64,
    testimony: Testimony,
}

/// What is noticed of one feature, taken in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notice {
    /// The most decimals that a coordinate is written with.
    pub decimals: u8,
    /// Whether heights were dropped.
    pub has_z: bool,
    /// Whether points or lines beside its areas were dropped.
    pub mixed: bool,
    /// Whether its name was cut, because it is longer than one may be.
    pub shortened: bool,
    /// What the layers say of a GCJ-02 offset here, while that is open.
    pub testimony: Testimony,
}

impl Noticed {
    /// Takes a feature's in.
    pub fn add(&mut self, notice: Notice) {
        self.decimals = self.decimals.max(notice.decimals);
        self.with_z += u64::from(notice.has_z);
        self.mixed += u64::from(notice.mixed);
        self.shortened += u64::from(notice.shortened);
        self.testimony.add(notice.testimony);
    }

    /// What people should know of the file, once all of it is read and so many of its features were taken in.
    pub fn words(&self, reading: &Reading, taken: u64) -> Vec<Words> {
        let mut words = reading.notes();
        words.extend(few_decimals(reading.crs(), self.decimals).filter(|_| taken > 0));
        if self.mixed > 0 {
            let features = self.mixed;
            words.push(Words::new(
                format!("{features} 个要素除面以外还有点或线（如标注点），只采用面"),
                format!("{features} features had points or lines beside their areas (labels, say); only the areas were taken"),
            ));
        }
        if self.shortened > 0 {
            let features = self.shortened;
            words.push(Words::new(
                format!("{features} 个要素的名称超过 {LONGEST_NAME} 个字符，只保留前面的部分"),
                format!("{features} features have names longer than {LONGEST_NAME} characters, of which only the beginning was kept"),
            ));
        }
        if self.with_z > 0 {
            words.push(Words::new(
                format!("{} 个图形带有高程（Z/M），不采用", self.with_z),
                format!("{} outlines have heights (Z/M), which are dropped", self.with_z),
            ));
        }
        words
    }

    /// The question whether the file carries the offset of GCJ-02, where the layers make it likely.
    pub fn question(&self) -> Option<Refusal> {
        maybe_gcj02(&self.testimony)
    }
}

/// The question to people, where one witness is clear and none speaks against it.
fn maybe_gcj02(testimony: &Testimony) -> Option<Refusal> {
    let Testimony { counties, edges } = *testimony;
    if !testimony.asks() {
        return None;
    }
    let (zh, en) = if edges.are_for_an_offset() {
        (
            format!("去除偏移后有 {} 个图斑的边界与图层吻合，按原坐标只有 {} 个", edges.without, edges.as_is),
            format!("without the offset the outlines of {} patches run along edges of the layers, as they are only {}", edges.without, edges.as_is),
        )
    } else {
        (
            format!("去除偏移后有 {} 个图斑落在所填的县区内，按原坐标只有 {} 个（只计两者不同的图斑）", counties.without, counties.as_is),
            format!(
                "without the offset {} patches lie in the county they name, as they are only {} (of those where it makes a difference)",
                counties.without, counties.as_is
            ),
        )
    };
    let words = Words::new(
        format!("坐标可能带有 GCJ-02（火星坐标）偏移，约 500 米：{zh}。本系统不会擅自纠正，请核实来源后选择：去除偏移，或按原坐标"),
        format!(
            "the coordinates may carry the offset of GCJ-02, some 500 m: {en}. Nothing is corrected unasked; find out where the file comes from, and choose: take the offset off, or take the file as it is"
        ),
    );
    Some(Refusal::new(RefusalKind::Unacceptable, "maybe_gcj02", words).choices(&["gcj02=remove", "gcj02=keep"]))
}

/// What is said of a file that has no features, and was declared to have none.
pub(crate) fn declared_empty() -> Words {
    Words::new("声明为空：文件中没有要素，确认如此", "declared empty: the file has no features, and is meant to have none")
}

/// The refusal of a file with so many features, of which so many could be taken in: one without any counts only where people say that it is meant so, for a file
/// that was not exported whole looks the same.
pub(crate) fn nothing(features: u64, taken: u64, declared_empty: bool) -> Option<Refusal> {
    let refuse = |code, words| Some(Refusal::new(RefusalKind::Unacceptable, code, words));
    match (features, taken, declared_empty) {
        (0, _, false) => {
            let words = Words::new(
                "文件中没有要素，未采用。确实一个也没有时（如本期没有图斑、尚无批准用地），请声明为空后再传；否则请检查导出是否完整",
                "the file has no features, so it was not taken. Where there are none indeed (no patch this month, nothing approved yet), declare it empty; else check how it was exported",
            );
            Some(Refusal { offer: Some("empty=yes".to_owned()), ..Refusal::new(RefusalKind::Unacceptable, "no_features", words) })
        }
        (1.., _, true) => refuse(
            "not_empty",
            Words::new(
                format!("声明为空，但文件中有 {features} 个要素，未采用"),
                format!("it was declared empty, but has {features} features; it was not taken"),
            ),
        ),
        (1.., 0, false) => refuse(
            "no_acceptable_feature",
            Words::new(
                format!("没有一个要素可以接受（共 {features} 个要素被拒收），未采用"),
                format!("not one feature can be accepted ({features} features were refused); it was not taken"),
            ),
        ),
        _ => None,
    }
}

/// The refusal of a survey of which too much lies in no county in force.
pub(crate) fn outside_counties(patches: u64, outside: u64, crs: &str, atlas: &Atlas, rule: &Rule) -> Option<Refusal> {
    atlas.counties_bounds()?;
    if rule.survey.allows_outside(outside, patches) {
        return None;
    }
    let words = Words::new(
        format!("{patches} 个图斑中有 {outside} 个不在现行行政区内，很可能是坐标系不对（当前按 {crs} 读取），未采用；请指明坐标系"),
        format!("{outside} of {patches} patches lie in no county in force, most likely for a wrong CRS (read as {crs}); nothing was taken; say the CRS"),
    );
    Some(Refusal::new(RefusalKind::Unacceptable, "outside_counties", words))
}

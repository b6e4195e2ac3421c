//! The vocabulary, as plain values. Every word here is the same in Rust, SQL, JSON and on screen.
//!
//! | word | 中文 | meaning |
//! | --- | --- | --- |
//! | [`Survey`] | 监测批次 | one delivery of change patches for one period (a month, a quarter or a year) and level |
//! | [`Patch`] | 图斑 | a place where the ground changed |
//! | [`Layer`] | 图层 | one version of what patches are held against; its [`LayerKind`] says which |
//! | [`County`] | 行政区 | six digits of GB/T 2260 and a name |
//! | [`LayerSet`] | 图层组合 | what a finding was made from: layer versions, rule, origin of the plane |
//! | [`Finding`] | 套合结果 | what a patch occupies, with the automatic verdict |
//! | [`Verdict`] | 判定 | legal 合法, illegal 违法, other 其他, doubtful 存疑; 未核 (pending) is the absence of a confirmed one |
//! | [`Filing`] | 填报 | a confirmed verdict with its areas |
//! | [`Tally`] | 汇总 | counts and areas of one county or the city |
//! | [`Reject`] | 拒收 | a feature refused, with the reason and the place of the fault |
//! | [`Defect`](tuban_geom::Defect) | 图形问题 | what is wrong with an outline |
//!
//! Knows no SQL, no HTTP, no files.

mod area;
mod county;
mod county_code;
mod days;
mod event;
mod filing;
mod finding;
mod job;
mod layer;
mod names;
mod patch;
mod period;
mod reject;
mod shared_ground;
mod standard;
mod survey;
mod tally;
mod terms;
mod verdict;

pub use area::{Area, round_half_up};
pub use county::{County, CountyNames};
pub use county_code::{CountyCode, NotACountyCode};
pub use days::{Days, push_day, read_days};
pub use event::{Decision, Event, SurveyEvent};
pub use filing::{Filing, Signature};
pub use finding::{Areas, CountyShare, Doubts, Explanation, Finding, Flag, FormerFinding, LayerSet, LayerUsed, ParcelShare, Provenance};
pub use job::{JobKind, JobState, Lane, Progress, Stage};
pub use layer::{FeatureFacts, Layer, LayerFeature, LayerKind, LeftOut};
pub use names::{LONGEST_CODE, LONGEST_NAME, is_too_long, shortened};
pub use patch::{Condition, Patch};
pub use period::{NotAPeriod, Period, PeriodKind, PeriodRange, day_of_ms, today};
pub use reject::{Place, Reject, Words};
pub use shared_ground::{Claimant, Contradiction, GroundShare, Precedence, SharedPiece, SharedWith, SharingPatch, TakenOff};
pub use standard::Standard;
pub use survey::{Level, NewSurvey, OnConflict, PatchIdSource, Survey, VerdictCounts};
pub use tally::{Disputed, Group, Lever, Line, Tally, Totals};
pub use terms::{NO_COUNTY, WHOLE_CITY};
pub use verdict::{AutomaticVerdict, NotAWord, Reason, Verdict, words};

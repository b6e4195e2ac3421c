//! Surveys that are withdrawn, restored or moved, and what is asked before a survey takes the place of another or comes a second time.

use crate::scope::Scope;
use crate::service::{Refusal, RefusalKind, Service, ServiceError, error::for_all_only, export::understood};
use crate::store::{Moved, StoreError};
use serde_json::json;
use std::time::Duration;
use tuban_engine::model::{Decision, Level, Period, Survey, Words};

/// How long a survey that was withdrawn or replaced can be restored, where nothing else is said.
pub const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

impl Service {
    /// Withdraws a survey; for *all* only.
    pub async fn withdraw(&self, scope: &Scope, survey: i64, decision: &Decision) -> Result<(), ServiceError> {
        for_all_only(scope)?;
        Ok(self.store.withdraw(survey, decision).await?)
    }

    /// Restores a survey; the ground it shares with what counts now is found before it is seen. For *all* only.
    pub async fn restore(&self, scope: &Scope, survey: i64, decision: &Decision) -> Result<Survey, ServiceError> {
        for_all_only(scope)?;
        let mut writer = self.store.begin_restore(survey, decision).await?;
        let crs = understood(&writer.restored().facts.crs)?;
        let (versions, standing) = (self.versions().await?, self.standing());
        // Every patch concerned is stored, with the set it was judged by.
        self.share_ground(&mut *writer, crs, &standing.atlas, &[], &versions).await?;
        Ok(writer.commit().await?)
    }

    /// Moves a survey to another period or level; for *all* only.
    pub async fn move_survey(&self, scope: &Scope, survey: i64, to: (Period, Level), decision: &Decision) -> Result<Moved, ServiceError> {
        for_all_only(scope)?;
        Ok(self.store.move_survey(survey, to, decision).await?)
    }
}

/// What the store would not do unasked, as a question to people; anything else as it is.
pub(crate) fn question(error: StoreError) -> ServiceError {
    match error {
        StoreError::VerdictsWouldGo { surveys, verdicts, kept, patches } => {
            let words = Words::new(
                format!("替换会丢掉 {verdicts} 个已确认的判定：新文件里没有这些图斑，或其图形变了（另有 {kept} 个判定随图斑保留）；确认要替换才会执行"),
                format!(
                    "{verdicts} confirmed verdicts would go, because their patches are not in the new file or have another outline ({kept} verdicts stay with theirs); it is done only once that is confirmed"
                ),
            );
            let members = json!({ "surveys": surveys, "verdicts": verdicts, "verdicts_kept": kept, "patches_kept": patches });
            Refusal::new(RefusalKind::Conflict, "verdicts_would_go", words).with(members).into()
        }
        StoreError::SentBefore { survey, period, level, name, same, patches } => {
            let share = 100.0 * same as f64 / patches.max(1) as f64;
            let words = Words::new(
                format!(
                    "{patches} 个图斑中有 {same} 个（{share:.1} %）已经在监测批次 {survey}（{period}，“{name}”）里，编号和图形都相同；是不是选错了期次？确认要再入库才会执行"
                ),
                format!(
                    "{same} of {patches} patches ({share:.1} %) are already in survey {survey} ({period}, “{name}”), with the same ids and outlines; is this the right period? They are stored again only once that is confirmed"
                ),
            );
            let members = json!({ "survey": survey, "period": period, "level": level, "same": same, "patches": patches });
            Refusal::new(RefusalKind::Conflict, "sent_before", words).with(members).into()
        }
        other => other.into(),
    }
}

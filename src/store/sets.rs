//! Layer sets as they are stored: the key that finds the same combination again, and which of them a survey's findings rest on.

use super::StoreError;
use std::collections::BTreeMap;
use tuban_engine::model::{Finding, Provenance};

/// The layers of a set in one text: the numbers of its versions in their order; of files of the command line, which have none, kind, name and day.
pub(super) fn key(provenance: &Provenance) -> String {
    let layers = provenance.layers.iter().map(|layer| match layer.id {
        0 => format!("{}:{}@{}", layer.kind, layer.name, layer.effective),
        id => id.to_string(),
    });
    layers.collect::<Vec<_>>().join(",")
}

/// The sets that a writer was told of, and whether findings rest on them.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// By number: the rule, and whether any finding rests on the set.
    sets: BTreeMap<i64, (String, bool)>,
}

impl Used {
    /// Takes note of a set.
    pub(super) fn know(&mut self, set: i64, rule: &str) {
        self.sets.entry(set).or_insert_with(|| (rule.to_owned(), false));
    }

    /// Takes note of what a finding rests on, which must be known.
    pub(super) fn rest_on(&mut self, finding: &Finding) -> Result<(), StoreError> {
        match self.sets.get_mut(&finding.layer_set) {
            Some((_, used)) => *used = true,
            None if finding.layer_set == 0 => {}
            None => return Err(StoreError::refused(format!("a finding rests on layer set {}, of which the writer was not told", finding.layer_set))),
        }
        Ok(())
    }

    /// The sets that findings rest on.
    pub(super) fn sets(&self) -> impl Iterator<Item = i64> {
        self.sets.iter().filter(|(_, (_, used))| *used).map(|(set, _)| *set)
    }

    /// Their rules, each once.
    pub(super) fn rule(&self) -> String {
        let mut rules: Vec<&str> = Vec::new();
        for (rule, _) in self.sets.values().filter(|(_, used)| *used) {
            if !rules.contains(&rule.as_str()) {
                rules.push(rule);
            }
        }
        rules.join("、")
    }
}

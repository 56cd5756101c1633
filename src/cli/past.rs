//! The history that `why` looks into: a state directory's as it lies, or that of an agent with state in memory, which is
//! asked for it.

use serde_json::Value;

use crate::admin::PastAlert;
use crate::admin::client::{self, in_url};
use crate::engine::EpisodeId;
use crate::store::{Entry, PastAlerts, Wanted, look_back};

use super::exit::Failure;
use super::running::Running;

/// The history of one agent.
#[derive(Debug)]
pub(super) struct Past<'a>(pub(super) &'a Running);

impl Past<'_> {
    /// The latest of a rule, the newest first.
    pub(super) fn of_rule(&self, rule: &str, limit: usize) -> Result<Vec<PastAlert>, Failure> {
        let wanted = Wanted { rule: Some(rule), limit, ..Wanted::default() };
        self.look(&format!("rule={}&limit={limit}", in_url(rule)), |past| past.latest(wanted))
    }

    /// Those whose id begins so.
    pub(super) fn by_id(&self, digits: &str, limit: usize) -> Result<Vec<PastAlert>, Failure> {
        self.look(&format!("id={}&limit={limit}", in_url(digits)), |past| past.by_id(digits, limit))
    }

    /// All of an episode, in order.
    pub(super) fn of_episode(&self, episode: &str, limit: usize) -> Result<Vec<PastAlert>, Failure> {
        let id = EpisodeId(u128::from_str_radix(episode, 16).unwrap_or_default());
        self.look(&format!("episode={}&limit={limit}", in_url(episode)), |past| past.of_episode(id, limit))
    }

    fn look(
        &self,
        query: &str,
        ask: impl FnOnce(&PastAlerts<'_>) -> rusqlite::Result<Vec<Entry>>,
    ) -> Result<Vec<PastAlert>, Failure> {
        match self.0 {
            Running::InDirectory(directory) => {
                let entries = look_back(directory, ask).map_err(Failure::failed)?.unwrap_or_default();
                Ok(entries.iter().map(PastAlert::from).collect())
            }
            Running::InMemory(socket) => {
                let path = format!("/api/v1/history?{query}");
                let json: Value = client::ask(socket, "GET", &path, "").map_err(Failure::failed)?;
                serde_json::from_value(json).map_err(Failure::failed)
            }
        }
    }
}

//! The heartbeat: a URL that is fetched while all is well. Whoever answers there tells somebody when it is not: that is
//! the one thing that hooktail can't.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::deliver::post::{Clients, fetch};
use crate::secret::SecretUrl;

use super::Herald;

/// `notices.heartbeat` of the configuration, checked.
#[derive(Debug, Clone)]
pub struct HeartbeatSpec {
    /// Whoever knows it may say that all is well.
    pub url: SecretUrl,
    /// How often.
    pub every: Duration,
}

/// What keeps the agent from its work for as long as it lasts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The state can't be written.
    Disk,
    /// Something of this input can't be read.
    Input(Arc<str>),
    /// The alerts of this webhook arrive nowhere.
    Webhook(Arc<str>),
}

impl Herald {
    /// A trouble lasts, or is over.
    pub fn has(&self, trouble: Trouble, lasts: bool) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if lasts {
            troubles.insert(trouble);
        } else {
            troubles.remove(&trouble);
        }
    }

    /// These inputs are read no longer.
    pub fn forget_inputs(&self, gone: impl Fn(&Arc<str>) -> bool) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.retain(|trouble| !matches!(trouble, Trouble::Input(input) if gone(input)));
    }

    fn is_well(&self) -> bool {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Fetches the heartbeat's URL, if there is one, each time while `goes_on` says so and no trouble lasts, until it is
    /// dropped. An answer that says no is told once.
    pub async fn beat(&self, clients: &Clients, mut goes_on: impl FnMut() -> bool) -> Infallible {
        let mut is_heard = true;
        loop {
            let Some(spec) = self.spec().heartbeat else {
                self.renewed.notified().await;
                continue;
            };
            if goes_on() && self.is_well() {
                let answer = fetch(clients, &spec.url, spec.every).await;
                match &answer {
                    Ok(()) if !is_heard => tracing::info!(url = %spec.url, "the heartbeat is heard again"),
                    Err(why) if is_heard => {
                        tracing::warn!(url = %spec.url, %why, "the heartbeat is not heard");
                    }
                    Ok(()) | Err(_) => {}
                }
                is_heard = answer.is_ok();
            } else {
                tracing::debug!("not all is well: no heartbeat");
            }
            tokio::select! {
                () = tokio::time::sleep(spec.every) => {}
                () = self.renewed.notified() => {}
            }
        }
    }
}

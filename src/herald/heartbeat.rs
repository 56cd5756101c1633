//! The heartbeat: a URL that is fetched while all is well. Whoever answers there tells somebody when it is not: that is
//! the one thing that hooktail can't.

use std::convert::Infallible;
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

impl Herald {
    /// Fetches the heartbeat's URL, if there is one, each time while `is_well` says so, until it is dropped. An answer that
    /// says no is told once.
    pub async fn beat(&self, clients: &Clients, is_well: impl Fn() -> bool) -> Infallible {
        let mut is_heard = true;
        loop {
            let Some(spec) = self.spec().heartbeat else {
                self.renewed.notified().await;
                continue;
            };
            if is_well() {
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

//! One POST to a webhook. Redirects are not followed: the URL is a password, and it is not handed on.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;

use crate::message::payload::Message;
use crate::secret::SecretUrl;

use super::WebhookSpec;
use super::answer::Answer;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a page may take that is fetched for its status.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up the HTTP client")]
pub struct ClientError(#[from] reqwest::Error);

/// The clients of all webhooks: one that they share, and one for each that has a proxy. The shared one is made when it is
/// first used: its certificates are a tenth of the memory of an agent that has nothing to tell.
#[derive(Debug, Clone)]
pub struct Clients {
    shared: Arc<OnceLock<reqwest::Client>>,
    proxied: HashMap<Arc<str>, reqwest::Client>,
}

impl Clients {
    /// For these webhooks.
    ///
    /// # Errors
    /// The TLS library refuses the setup of a proxy.
    pub fn new(webhooks: &[WebhookSpec]) -> Result<Self, ClientError> {
        let proxied = webhooks.iter().filter_map(|spec| {
            let proxy = spec.proxy.as_ref()?;
            Some(client(Some(proxy)).map(|client| (spec.name.clone(), client)))
        });
        Ok(Self { shared: Arc::default(), proxied: proxied.collect::<Result<_, _>>()? })
    }

    fn of(&self, spec: &WebhookSpec) -> Result<&reqwest::Client, reqwest::Error> {
        self.proxied.get(&spec.name).map_or_else(|| self.shared(), Ok)
    }

    fn shared(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(made) = self.shared.get() {
            return Ok(made);
        }
        let made = client(None)?;
        Ok(self.shared.get_or_init(|| made))
    }
}

/// A client with the machine's roots and, for machines without any, Mozilla's.
fn client(proxy: Option<&SecretUrl>) -> Result<reqwest::Client, reqwest::Error> {
    // An error only says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    let roots = roots.iter().filter_map(|root| reqwest::Certificate::from_der(root).ok());
    let mut builder = reqwest::Client::builder();
    if let Some(proxy) = proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.expose().clone())?);
    }
    builder
        .tls_certs_merge(roots)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("hooktail/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Posts `message` and waits for the answer, at most the webhook's `timeout`.
pub async fn post(clients: &Clients, spec: &WebhookSpec, message: &Message) -> Answer {
    match try_post(clients, spec, message).await {
        Ok(answer) => answer,
        Err(error) => Answer::Nothing(in_words(&error.without_url(), spec.timeout)),
    }
}

/// Fetches a page for its status alone, within `timeout`; why it said no, if it did.
///
/// # Errors
/// There was no answer, or none that means yes.
pub async fn fetch(clients: &Clients, url: &SecretUrl, timeout: Duration) -> Result<(), String> {
    let timeout = timeout.min(FETCH_TIMEOUT);
    let answer = async { clients.shared()?.get(url.expose().clone()).timeout(timeout).send().await };
    match answer.await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("status {}", answer.status().as_u16())),
        Err(error) => Err(in_words(&error.without_url(), timeout)),
    }
}

async fn try_post(
    clients: &Clients,
    spec: &WebhookSpec,
    message: &Message,
) -> Result<Answer, reqwest::Error> {
    let body = serde_json::to_vec(message).unwrap_or_default();
    let request = clients
        .of(spec)?
        .post(spec.url.expose().clone())
        .header(reqwest::header::CONTENT_TYPE, "application/json")
        .timeout(spec.timeout)
        .body(body);
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - body.len())]);
    }
    let body = crate::message::clean::one_line(
        &spec.url.hidden_in(&String::from_utf8_lossy(&body)),
        ANSWER_SHOWN_CHARS,
    );
    Ok(Answer::Http { status, retry_after, body })
}

/// How much of an answer is shown to a person.
const ANSWER_SHOWN_CHARS: usize = 256;

/// The whole chain of an error, which has no URL any more.
fn in_words(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() && !error.is_connect() {
        return format!("no answer within {}", crate::time::Human(timeout));
    }
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}

//! The live page in a real browser: what a person would see, and that nothing of a message runs there.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hooktail::sink::Options;

use crate::client::post;
use crate::sink::Running;

/// Where distributions put it; `CHROMIUM` names another.
const PLACES: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Escaped as the agent escapes, but for the title, which nobody has escaped.
const HOSTILE: &str = r##"{
  "text": "*[ERROR]* &lt;script&gt;alert(1)&lt;/script&gt; &lt;!channel&gt; · web-1",
  "attachments": [{
    "color": "#a30200", "fallback": "x",
    "title": "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">",
    "title_link": "javascript:document.title='owned'",
    "text": "```</pre><svg onload=\"document.title='owned'\">```", "mrkdwn_in": ["text"]
  }]
}"##;

const MENTION: &str = r##"{
  "text": "<!here> *[WARNING]* SSH brute force from 203.0.113.7 · web-1",
  "attachments": [{
    "color": "#daa038", "fallback": "x", "title": "SSH brute force from 203.0.113.7",
    "text": "```Failed password for root```", "mrkdwn_in": ["text"],
    "fields": [{"title": "ip", "value": "203.0.113.7", "short": true}]
  }]
}"##;

/// The browser; `None`, said on standard error, where there is none and none is required.
pub(crate) fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let found = named.or_else(|| PLACES.iter().map(PathBuf::from).find(|place| place.exists()));
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no chromium, which CI must have");
        eprintln!("skipped: no chromium");
    }
    found
}

/// Loads `url`, lets its scripts run for `budget_ms` of the browser's own time, and prints the document. That time
/// stands still while a request is open.
pub(crate) fn dump(chromium: &Path, profile: &Path, url: &str, budget_ms: u32) -> Child {
    Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--dump-dom")
        .arg(format!("--virtual-time-budget={budget_ms}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromium starts")
}

/// The document that `url` has become after one message was there at its start, and one came later.
fn document(chromium: &Path) -> String {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let running = Running::start(Options::default());
    let webhook = running.sink().webhook_url();
    assert_eq!(post(&webhook, HOSTILE).expect("an answer").status, 200);
    let browser = dump(chromium, profile.path(), &running.url("/"), 5_000);
    // The page has asked for news: what is posted now comes by the script alone.
    running.wait_for_viewer(1);
    assert_eq!(post(&webhook, MENTION).expect("an answer").status, 200);
    assert_eq!(post(&webhook, "{}").expect("an answer").status, 400);
    running.wait_for_viewer(3);
    // With nobody to ask, the page's time goes on until its budget is spent.
    running.stop();
    let output = browser.wait_with_output().expect("chromium ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("a document in UTF-8")
}

#[test]
fn messages_appear_live_and_nothing_in_them_runs() {
    let Some(chromium) = chromium() else { return };
    let document = document(&chromium);
    for part in [
        "<title>hooktail sink</title>",
        // There from the start.
        "<strong>[ERROR]</strong> &lt;script&gt;alert(1)&lt;/script&gt; &lt;!channel&gt; · web-1</div>",
        "<div class=\"ht-title\">&lt;script&gt;document.title = 'owned'&lt;/script&gt;&lt;img src=x onerror=",
        "<pre class=\"ht-block\">&lt;/pre&gt;&lt;svg onload=",
        // Came later.
        "<span class=\"ht-mention\">@here</span> <strong>[WARNING]</strong> SSH brute force",
        "<rect width=\"100%\" height=\"100%\" fill=\"#daa038\"></rect>",
        "<dt>ip</dt><dd>203.0.113.7</dd>",
        "<code>missing_text_or_fallback_or_attachments</code>",
        "<span id=\"accepted\">2</span> posted",
        "<span id=\"refused\">1</span> refused",
    ] {
        assert!(document.contains(part), "{part} is not in {document}");
    }
    let at = |part: &str| document.find(part).unwrap_or_default();
    assert!(at("[WARNING]") < at("[ERROR]"), "the newest stands first");
    for bad in ["<img", "<svg onload", "href=\"javascript", "ht-mention\">@channel"] {
        assert!(!document.contains(bad), "{bad} is in {document}");
    }
    assert_eq!(document.matches("<script").count(), 1, "only our own script");
}

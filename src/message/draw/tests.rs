use jiff::tz::TimeZone;

use super::*;
use crate::message::payload::Field;

fn field(title: &str, value: &str, short: bool) -> Field {
    Field { title: title.into(), value: value.into(), short }
}

/// What the agent sends for an SSH brute force.
fn brute_force() -> Message {
    Message {
        text: "<!here> *[WARNING]* SSH brute force from 203.0.113.7 · web-1".into(),
        unfurl_links: false,
        unfurl_media: false,
        attachments: vec![Attachment {
            color: "#daa038".into(),
            fallback: "[WARNING] SSH brute force from 203.0.113.7".into(),
            title: Some("SSH brute force from 203.0.113.7".into()),
            title_link: Some("https://runbooks.example.com/ssh".into()),
            text: Some("```Failed password for root &lt;uid 0&gt; port 52190 ssh2```".into()),
            mrkdwn_in: vec!["text".into()],
            fields: vec![
                field("ip", "203.0.113.7", true),
                field("user", "root", true),
                field("host", "web-1", false),
            ],
            footer: Some("ssh-bruteforce · web-1:/var/log/auth.log · 7f3a9c".into()),
            ts: Some(1_795_470_000),
            ..Attachment::default()
        }],
        ..Message::default()
    }
}

fn text_only(text: &str) -> Message {
    Message { text: text.into(), ..Message::default() }
}

fn with_text(text: &str, mrkdwn: bool) -> Message {
    let mrkdwn_in = if mrkdwn { vec!["text".to_owned()] } else { Vec::new() };
    let attachment = Attachment { text: Some(text.into()), mrkdwn_in, ..Attachment::default() };
    Message { attachments: vec![attachment], ..text_only("") }
}

fn plain(message: &Message, width: usize) -> String {
    terminal::draw(message, &Style { color: false, width }, &TimeZone::UTC)
}

fn colored(message: &Message, width: usize) -> String {
    terminal::draw(message, &Style { color: true, width }, &TimeZone::UTC)
}

fn html_of(message: &Message) -> String {
    html::draw(message, &TimeZone::UTC)
}

#[test]
fn in_a_plain_terminal() {
    assert_eq!(
        plain(&brute_force(), 80),
        "\
@here [WARNING] SSH brute force from 203.0.113.7 · web-1
▌ SSH brute force from 203.0.113.7
▌ https://runbooks.example.com/ssh
▌ │ Failed password for root <uid 0> port 52190 ssh2
▌ ip: 203.0.113.7                       user: root
▌ host: web-1
▌ ssh-bruteforce · web-1:/var/log/auth.log · 7f3a9c · 2026-11-23 21:40:00
"
    );
}

#[test]
fn in_a_narrow_terminal_fields_stand_below_each_other() {
    assert_eq!(
        plain(&brute_force(), 30),
        "\
@here [WARNING] SSH brute
force from 203.0.113.7 · web-1
▌ SSH brute force from
▌ 203.0.113.7
▌ https://runbooks.example.com
▌ /ssh
▌ │ Failed password for root
▌ ┆ <uid 0> port 52190 ssh2
▌ ip: 203.0.113.7
▌ user: root
▌ host: web-1
▌ ssh-bruteforce ·
▌ web-1:/var/log/auth.log ·
▌ 7f3a9c · 2026-11-23 21:40:00
"
    );
}

#[test]
fn in_a_terminal_with_colours() {
    assert_eq!(
        colored(&brute_force(), 80).replace('\u{1b}', "^"),
        "\
^[1m^[7m^[33m@here^[0m ^[1m[WARNING]^[0m SSH brute force from 203.0.113.7 · web-1
^[38;2;218;160;56m▌^[0m ^[1mSSH brute force from 203.0.113.7^[0m
^[38;2;218;160;56m▌^[0m ^[2m^[4mhttps://runbooks.example.com/ssh^[0m
^[38;2;218;160;56m▌^[0m ^[2m│^[0m Failed password for root <uid 0> port 52190 ssh2
^[38;2;218;160;56m▌^[0m ^[2mip: ^[0m203.0.113.7                       ^[2muser: ^[0mroot
^[38;2;218;160;56m▌^[0m ^[2mhost: ^[0mweb-1
^[38;2;218;160;56m▌^[0m ^[2mssh-bruteforce · web-1:/var/log/auth.log · 7f3a9c · 2026-11-23 21:40:00^[0m
"
    );
}

#[test]
fn as_html() {
    assert_eq!(
        html_of(&brute_force()),
        r##"<div class="ht-message">
<div class="ht-lead"><span class="ht-mention">@here</span> <strong>[WARNING]</strong> SSH brute force from 203.0.113.7 · web-1</div>
<div class="ht-attachment">
<svg class="ht-bar" aria-hidden="true"><rect width="100%" height="100%" fill="#daa038"/></svg>
<div class="ht-body">
<div class="ht-title"><a href="https://runbooks.example.com/ssh" target="_blank" rel="noopener noreferrer">SSH brute force from 203.0.113.7</a></div>
<div class="ht-text"><pre class="ht-block">Failed password for root &lt;uid 0&gt; port 52190 ssh2</pre></div>
<dl class="ht-fields"><div class="ht-field ht-short"><dt>ip</dt><dd>203.0.113.7</dd></div><div class="ht-field ht-short"><dt>user</dt><dd>root</dd></div><div class="ht-field"><dt>host</dt><dd>web-1</dd></div></dl>
<div class="ht-footer">ssh-bruteforce · web-1:/var/log/auth.log · 7f3a9c · <time datetime="2026-11-23T21:40:00">2026-11-23 21:40:00</time></div>
</div>
</div>
</div>
"##
    );
}

#[test]
fn only_what_is_listed_is_formatted() {
    assert_eq!(plain(&with_text("*bold* `code`", true), 40), "▌ bold code\n");
    assert_eq!(plain(&with_text("*bold* `code`", false), 40), "▌ *bold* `code`\n");
    assert!(html_of(&with_text("*bold*", true)).contains("<strong>bold</strong>"));
    assert!(html_of(&with_text("*bold*", false)).contains(">*bold*<"));
}

#[test]
fn several_attachments_are_apart() {
    let mut message = brute_force();
    message.attachments =
        ["one", "two"].map(|text| Attachment { fallback: text.into(), ..Attachment::default() }).into();
    message.text = "lead".into();
    assert_eq!(plain(&message, 40), "lead\n▌ one\n\n▌ two\n");
}

#[test]
fn emphasis_code_and_links_in_colours() {
    assert_eq!(
        colored(&text_only("_it_ ~no~ `x` <https://e.example|e>"), 80).replace('\u{1b}', "^"),
        "^[3mit^[0m ^[9mno^[0m ^[36mx^[0m ^[4me^[0m^[2m (https://e.example)^[0m\n"
    );
}

#[test]
fn wide_characters_count_two_columns() {
    assert_eq!(plain(&text_only("日本語日本語日本語日本語"), 20), "日本語日本語日本語日\n本語\n");
    assert_eq!(plain(&text_only("e\u{301}".repeat(30).as_str()), 20).lines().count(), 2);
}

#[test]
fn long_words_break_and_lines_keep_their_indentation() {
    assert_eq!(
        plain(&text_only("aaaa bbbbbbbbbbbbbbbbbbbbbbbbb c"), 20),
        "aaaa\nbbbbbbbbbbbbbbbbbbbb\nbbbbb c\n"
    );
    let code = with_text("```\n  indented\n\nafter\n```", true);
    assert_eq!(plain(&code, 40), "▌ │   indented\n▌ │\n▌ │ after\n");
}

#[test]
fn a_footers_day_and_hour_stay_together() {
    assert!(plain(&brute_force(), 60).ends_with("/auth.log · 7f3a9c ·\n▌ 2026-11-23 21:40:00\n"));
}

#[test]
fn code_breaks_at_a_space_where_one_is_near() {
    let drawn = |text: &str| plain(&with_text(&format!("```{text}```"), true), 20);
    assert_eq!(drawn("twelve chars and more"), "▌ │ twelve chars and\n▌ ┆ more\n");
    assert_eq!(drawn("id=0123456789abcdef01"), "▌ │ id=0123456789abc\n▌ ┆ def01\n");
    assert_eq!(drawn("at 0123456789abcdef01"), "▌ │ at 0123456789abc\n▌ ┆ def01\n");
    assert_eq!(drawn("one\ntwo"), "▌ │ one\n▌ │ two\n");
}

#[test]
fn nothing_acts_in_a_terminal() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{9b}31m\u{202e}\u{2028}\u{7f}\u{0}\tz";
    let mut message = brute_force();
    message.text = hostile.into();
    let part = &mut message.attachments[0];
    for text in [&mut part.title, &mut part.title_link, &mut part.text, &mut part.footer, &mut part.pretext] {
        *text = Some(hostile.into());
    }
    part.fields = vec![field(hostile, hostile, true), field(hostile, hostile, true)];
    let drawn = plain(&message, 80);
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
    assert!(drawn.starts_with("\\x1b[2J\\x1b]0;owned\\x07\\x0d\\x9b31m\\u{202e}\\u{2028}\\x7f\\x00    z\n"));
    // In colours, only our own sequences: all are SGR.
    for after in colored(&message, 80).split('\u{1b}').skip(1) {
        let sequence: String = after.chars().take_while(|c| !c.is_ascii_alphabetic()).collect();
        assert!(after[sequence.len()..].starts_with('m'), "{after:?}");
    }
}

#[test]
fn nothing_acts_on_a_page() {
    let hostile = r#"</pre><script>alert(1)</script><img src=x onerror="x()">'" javascript:x"#;
    let mut message = brute_force();
    message.text = hostile.into();
    let part = &mut message.attachments[0];
    for text in [&mut part.title, &mut part.title_link, &mut part.text, &mut part.footer, &mut part.pretext] {
        *text = Some(hostile.into());
    }
    part.color = "#\"><b>".into();
    part.fields = vec![field(hostile, hostile, true)];
    let drawn = html_of(&message);
    for bad in ["<script", "<img", "href=\"java", "<b>", "onerror=\""] {
        assert!(!drawn.contains(bad), "{bad}: {drawn}");
    }
    let link = html_of(&text_only("<javascript:alert(1)|x> <https://e.example/\"onclick=x|y>"));
    assert!(
        link.contains("&lt;javascript:alert(1)|x&gt; <a href=\"https://e.example/&quot;onclick=x\" "),
        "{link}"
    );
}

#[test]
fn colours_are_hex_or_a_name_or_grey() {
    assert_eq!(color("#A30200"), (0xa3, 2, 0));
    assert_eq!(color("good"), (0x2e, 0xb8, 0x86));
    for other in ["", "red", "#fff", "#ggggg0", "#äöü", "+1+1+1"] {
        assert_eq!(color(other), (0xdd, 0xdd, 0xdd), "{other}");
    }
}

proptest::proptest! {
    /// Whatever a text holds, no row is wider than the terminal, and nothing in it acts.
    #[test]
    fn any_text_stays_within_its_place(text in "(?s)([*_~`<>|!@&;a\u{1b}\u{202e}日\u{301} \n]|.){0,200}", width in 20_usize..60) {
        let mut message = brute_force();
        message.text.clone_from(&text);
        let part = &mut message.attachments[0];
        (part.text, part.title, part.footer) = (Some(text.clone()), Some(text.clone()), Some(text.clone()));
        part.mrkdwn_in.push("fields".into());
        part.fields = vec![field(&text, &text, true), field("b", &text, true)];
        for line in plain(&message, width).lines() {
            let columns: usize = line.chars().map(|c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(99)).sum();
            proptest::prop_assert!(columns <= width, "{columns} columns: {line:?}");
        }
        let drawn = html_of(&message);
        let tags = drawn.split('<').skip(1).map(|tag| tag.split([' ', '>', '/']).find(|name| !name.is_empty()));
        for tag in tags {
            let known = ["div", "svg", "rect", "span", "strong", "em", "s", "a", "code", "pre", "dl", "dt", "dd", "time"];
            proptest::prop_assert!(tag.is_some_and(|tag| known.contains(&tag)), "{tag:?} in {drawn}");
        }
    }
}

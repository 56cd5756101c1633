//! Random bytes in every place that a log can reach, through the real stations: the checks of the fuzz targets, in every
//! run of the tests.

use proptest::prelude::*;

#[path = "../../fuzz/body.rs"]
mod body;
#[path = "../../fuzz/scan_body.rs"]
mod scan_body;

/// Bytes with all that could do harm, and any others.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let nasty = prop::sample::select(vec![
        "<!channel>",
        "<!here|x>",
        "<@U1>",
        "<https://evil|x>",
        "```",
        "`",
        "``",
        "*",
        "_",
        "~",
        "&",
        "&lt;",
        ">",
        "\t",
        "\x1b[31m",
        "\u{202e}",
        "\u{2060}",
        "\u{200b}",
        "@here",
        "@",
        "\n",
        "\r",
        "password=",
        "é",
        "🔥",
        "{\"a\":1}",
        "\0",
        "http://x/?a=",
        "|",
        " ",
    ]);
    let piece = prop_oneof![
        4 => nasty.prop_map(|text| text.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..12),
        1 => "\\PC{0,20}".prop_map(String::into_bytes),
        1 => (prop::sample::select(b"x`<&@".to_vec()), 100_usize..5_000).prop_map(|(byte, times)| vec![byte; times]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn whatever_a_log_holds_its_messages_do_no_harm(bytes in hostile()) {
        body::check(&bytes);
    }
}

/// Blocks that nearly hold what the patterns of the scanner's check look for.
fn block() -> impl Strategy<Value = Vec<u8>> {
    let near = prop::sample::select(vec![
        "error",
        "eRROR ",
        "zq",
        "a7",
        "é1",
        "kiosk",
        "xxx",
        "qaz",
        "11",
        "abc12",
        " 1",
        "_",
        "error 2",
        "disk is full",
        "needle sev",
        "\u{1b}",
        "注文 完了",
        "status=503",
        "\n",
        "\n",
        "\u{212a}iosk",
        "-------------------------------",
        "one two three",
    ]);
    let piece = prop_oneof![
        6 => near.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    (any::<u8>(), prop::collection::vec(piece, 0..60))
        .prop_map(|(set, pieces)| [vec![set], pieces.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_the_scanner_takes_is_what_the_plain_loop_takes(bytes in block()) {
        scan_body::check(&bytes);
    }
}

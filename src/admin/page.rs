//! The status page: a document, a style sheet and a script that draws what the API answers. Nothing of it comes from
//! elsewhere, and none of it holds anything of a log.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::message::draw::STYLESHEET;
use crate::web::{BAR, BASE};

const DOCUMENT: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// `GET /`
pub(super) async fn document() -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], DOCUMENT).into_response()
}

/// `GET /page.css`
pub(super) async fn stylesheet() -> Response {
    let style = format!("{BASE}{BAR}{STYLE}{STYLESHEET}");
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}

/// `GET /page.js`
pub(super) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

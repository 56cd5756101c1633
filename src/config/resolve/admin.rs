//! `admin`.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use crate::admin::AdminSpec;
use crate::admin::token::Token;
use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{RawAdmin, Text};

use super::webhook::{Env, is_guarded};

/// Where it listens if nothing is said.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 9321);

pub(super) fn resolve(at: At<'_, RawAdmin>, env: Env<'_>, report: &mut Report) -> AdminSpec {
    let listen = at.get("listen", |raw| &raw.listen).and_then(|at| listen(at, report));
    let token = at.get("token_file", |raw| &raw.token_file).and_then(|at| token(at, env, report));
    AdminSpec { listen: listen.unwrap_or_else(|| SocketAddr::from(LISTEN)), token }
}

fn listen(at: At<'_, Text>, report: &mut Report) -> Option<SocketAddr> {
    let Text(text) = at.raw;
    let span = at.place.value_span();
    let Ok(address) = text.trim().parse::<SocketAddr>() else {
        report.error(&span, "not an address with a port").help("write `127.0.0.1:9321` or `\"[::1]:9321\"`");
        return None;
    };
    if !address.ip().is_loopback() {
        report
            .warning(&span, "whoever reaches this address can read the lines of open problems")
            .help("listen on `127.0.0.1`, or let a firewall or a proxy decide who reaches it");
    }
    Some(address)
}

fn token(at: At<'_, Text>, env: Env<'_>, report: &mut Report) -> Option<Token> {
    let path = at.place.source.base.join(&at.raw.0);
    let (shown, span) = (path.display(), at.place.value_span());
    let (about, text) = match Token::read(&path) {
        Ok(found) => found,
        Err(error) => {
            report.error(&span, format!("`{shown}` can't be read")).label(error.to_string());
            return None;
        }
    };
    if about.permissions().mode() & 0o004 != 0 && !is_guarded(&path, env) {
        let help = format!("chmod o-r {shown}");
        report.error(&span, format!("everyone on this machine can read `{shown}`")).help(help);
        return None;
    }
    match Token::parse(&text) {
        Ok(token) => Some(token),
        Err(error) => {
            report
                .error(&span, format!("`{shown}` holds no token"))
                .label(error.to_string())
                .help(format!("make one: `(umask 077; head -c 24 /dev/urandom | base64 > {shown})`"));
            None
        }
    }
}

//! The kinds of single values, one a file: its spelling, its checks, its words when it is wrong.
//!
//! Each takes a raw value with its place, reports what is wrong with it, and gives the checked one.

pub(super) mod choice;
pub(super) mod color;
pub(super) mod duration;
pub(super) mod expression;
pub(super) mod hours;
pub(super) mod labels;
pub(super) mod mention;
pub(super) mod name;
pub(super) mod number;
pub(super) mod rate;
pub(super) mod regex;
pub(super) mod size;
pub(super) mod template;
pub(super) mod url;

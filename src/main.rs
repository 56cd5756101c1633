//! The command line of hooktail.

fn main() {}

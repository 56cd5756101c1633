//! The command line: one file a command. Results go to standard output, our own log to standard error.

mod check;
mod child;
mod completions;
mod cost;
mod dead_letters;
mod demo;
mod exec;
mod exit;
mod explain;
mod init;
mod load;
mod log;
mod man;
mod past;
mod pipe;
mod preview;
mod reloading;
mod replay;
mod run;
mod running;
mod schema;
mod screen;
mod send;
mod silence;
mod sink;
mod state;
mod status;
mod stops;
mod table;
mod test;
mod watch;
mod why;

use std::ffi::{OsStr, OsString};

use clap::{ArgAction, Parser, Subcommand};

pub use exit::{Exit, Failure};
pub use log::LogArgs;

/// Tails logs, matches rules on their lines, and posts what matters to Slack.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = SHORT,
    after_long_help = EXAMPLES
)]
pub struct Cli {
    #[command(flatten)]
    log: LogArgs,

    /// Print this help; with `-h`, an overview
    #[arg(short, long, global = true, action = ArgAction::Help, hide_short_help = true)]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, hide_short_help = true)]
    version: Option<bool>,

    #[command(subcommand)]
    command: Command,
}

/// The overview fits a terminal: what everybody looks for once, and no command of its own line.
const SHORT: &str = "\
The running agent: status, why, silence; for shells and editors: completions, man, schema
Options: --log-format text|json, --help (more than this), --version";

const EXAMPLES: &str = "\
Examples:
  hooktail demo                          the whole thing, on this machine alone
  hooktail check -c hooktail.yaml        what is wrong with a rule file, and what its rules do
  hooktail test -c hooktail.yaml         run the rules' own tests
  hooktail run -c hooktail.yaml          follow the inputs and post
  hooktail run --dry-run --until-eof     what would be posted for what the files hold now
  hooktail status                        what the running agent is doing; `silence` and `why` ask it, too
  app 2>&1 | hooktail pipe --match 'ERROR|FATAL' --passthrough --webhook-file ~/.slack-url

Exit status: 0 done; 1 failed, or a test failed; 2 the command line or the configuration is wrong;
3 ended with alerts undelivered: kept for the next start, or, with state in memory, printed.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow the inputs of a rule file, and post what its rules find
    Run(run::RunArgs),
    /// One rule on standard input, without a file
    Pipe(Box<pipe::PipeArgs>),
    /// Run a program, pass its output on, and watch it and its end
    Exec(exec::ExecArgs),
    /// Say what is wrong with a rule file, and what each of its rules does
    Check(check::CheckArgs),
    /// Print a first rule file: a ready pack, or rules that a log suggests
    Init(init::InitArgs),
    /// Run the rules' own tests
    Test(test::TestArgs),
    /// Say why each rule takes a line, or does not
    Explain(explain::ExplainArgs),
    /// Draw the messages that a rule can have
    Preview(preview::PreviewArgs),
    /// Say what would have been sent for old logs, on their own times
    Replay(Box<replay::ReplayArgs>),
    /// Send a test message, and show the receiver's answer
    Send(send::SendArgs),
    /// The whole thing on this machine alone, in half a minute
    Demo(demo::DemoArgs),
    /// A local receiver that behaves as Slack does, with a live page
    Sink(sink::SinkArgs),
    /// Say what the running agent is doing
    #[command(hide = true)]
    Status(status::StatusArgs),
    /// Hold alerts back for a time, in the running agent
    #[command(hide = true)]
    Silence(silence::SilenceArgs),
    /// Say why an alert was sent, and what became of a rule's matches
    #[command(hide = true)]
    Why(why::WhyArgs),
    /// Print a script that lets a shell complete the command line
    #[command(hide = true)]
    Completions(completions::CompletionsArgs),
    /// Print the JSON schema of a rule file, for editors
    #[command(hide = true)]
    Schema(schema::SchemaArgs),
    /// Print the manual page, or write the pages of all commands
    #[command(hide = true)]
    Man(man::ManArgs),
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    /// It is wrong, or only asks for help: that has been printed, and this is the status.
    pub fn from_args() -> Result<Self, Exit> {
        let args: Vec<OsString> = std::env::args_os().collect();
        Self::try_parse_from(&args).map_err(|error| {
            // Nobody to tell: the status says it all the same.
            let _ = error.print();
            match error.use_stderr() {
                false => Exit::Done,
                // The other statuses are its program's.
                true if command(&args) == Some(OsStr::new("exec")) => Exit::Program(exec::NOT_STARTED),
                true => Exit::Usage,
            }
        })
    }
}

/// The first word that is no option.
fn command(args: &[OsString]) -> Option<&OsStr> {
    let mut words = args.iter().skip(1);
    loop {
        let word = words.next()?;
        if word == "--log-format" {
            words.next();
        } else if !word.as_encoded_bytes().starts_with(b"-") {
            return Some(word);
        }
    }
}

/// Runs a command to its end.
pub fn run(cli: Cli) -> Exit {
    // The demo's messages are its log, and the standard error of `exec` is its program's.
    let quiet = matches!(cli.command, Command::Demo(_) | Command::Exec(_));
    log::start(&cli.log, if quiet { "warn" } else { "info" });
    let done = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Pipe(args) => pipe::run(*args),
        Command::Exec(args) => Ok(exec::run(&args)),
        Command::Check(args) => check::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Silence(args) => silence::run(args),
        Command::Why(args) => why::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Sink(args) => runtime().and_then(|runtime| {
            runtime.block_on(sink::run(args)).map(|()| Exit::Done).map_err(Failure::failed)
        }),
    };
    done.unwrap_or_else(|failure| failure.tell())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // Two threads: one can deliver while the other waits for a slow name server.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::failed)
}

//! A folder of logs, a receiver, and an agent between them that posts each line as a message of its own.

use hooktail::message::payload::Attachment;

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::receiver::{HOOK, Receiver};

/// Where the lines of a test go through.
pub(crate) struct Scene {
    pub(crate) folder: Folder,
    pub(crate) receiver: Receiver,
}

/// A line as it was posted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Posted {
    pub(crate) input: String,
    /// The file's name, without its folder.
    pub(crate) file: String,
    /// The attachment's text: the line, and remarks below it.
    pub(crate) text: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { folder: Folder::new(), receiver: Receiver::start() }
    }

    /// Follows these inputs, given as the items of a YAML map.
    pub(crate) fn run(&self, inputs: &str) -> Agent {
        self.launch(inputs).start()
    }

    /// Reads these inputs to their ends; the run must do without a mistake.
    #[track_caller]
    pub(crate) fn read(&self, inputs: &str) -> Ended {
        let ended = self.launch(inputs).args(["--until-eof"]).output("");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        ended
    }

    pub(crate) fn launch(&self, inputs: &str) -> Launch {
        let all = "{ name: all, match: '^', dedup: off,\n\
                   message: { title: \"{{ input }}:{{ file }}\", text: \"{{ line }}\" } }";
        self.launch_with(inputs, all)
    }

    /// With these rules, given as the items of a YAML list.
    pub(crate) fn launch_with(&self, inputs: &str, rules: &str) -> Launch {
        let rules = format!(
            "webhooks: {{ hook: {{ url: \"{}\", rate: 1000/s }} }}\n\
             limits: {{ outbox: 100000 }}\n\
             inputs: {{ {inputs} }}\n\
             rules: [{rules}]\n",
            self.receiver.url(HOOK)
        );
        let file = self.folder.write("rules.yaml", rules);
        let args = ["run".as_ref(), "-c".as_ref(), file.as_os_str()];
        Launch::new(args).env("RUST_LOG", "hooktail=debug").folder(&self.folder.path(""))
    }

    /// What was posted so far, in order of arrival.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.attachments().iter().map(posted).collect()
    }

    /// The texts of what was posted so far, in order of arrival.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.posted().into_iter().map(|posted| posted.text).collect()
    }

    /// Waits for `count` lines, and returns the texts of all that came.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<String> {
        self.wait_for_alerts(count);
        self.texts()
    }

    /// Waits for `count` alerts, whatever is in them.
    #[track_caller]
    pub(crate) fn wait_for_alerts(&self, count: usize) {
        loop {
            let messages = self.receiver.messages();
            let attachments: usize = messages.iter().map(|message| message.attachments.len()).sum();
            if attachments >= count {
                return;
            }
            self.receiver.wait_for_messages(messages.len() + 1, PATIENCE);
        }
    }

    /// What a client without attachments shows of what was posted so far, in order of arrival.
    pub(crate) fn fallbacks(&self) -> Vec<String> {
        self.attachments().into_iter().map(|attachment| attachment.fallback).collect()
    }

    fn attachments(&self) -> Vec<Attachment> {
        self.receiver.messages().into_iter().flat_map(|message| message.attachments).collect()
    }
}

/// Waits until `agent` has begun to read the file of this name.
#[track_caller]
pub(crate) fn wait_until_read(agent: &Agent, file: &str) {
    agent.wait_for_stderr(&format!("/{file} position="));
}

fn posted(attachment: &Attachment) -> Posted {
    let title = attachment.title.as_deref().expect("the rule gives one");
    let (input, path) = title.split_once(':').expect("as the rule's template has it");
    Posted {
        input: input.to_owned(),
        file: path.rsplit('/').next().unwrap_or_default().to_owned(),
        text: attachment.text.clone().unwrap_or_default(),
    }
}

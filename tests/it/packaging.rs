//! What `packaging/` ships for containers: each file is whole, asks for no right that it doesn't need, and its rules work.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::agent::{Folder, Launch};

const WEBHOOK: &str = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

fn documents(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    let text = std::fs::read_to_string(path).expect("our own file");
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    documents.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn named<'a>(items: &'a Value, name: &str) -> &'a Value {
    let items = items.as_array().unwrap_or_else(|| panic!("a list with `{name}`"));
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {items:#?}"))
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// Draws what the rules of a file make of a log; the paths in them become those of a folder.
fn drawn(rules: &str, moves: &[(&str, &str)], log: (&str, &str)) -> String {
    let folder = Folder::new();
    let rules = moves.iter().fold(rules.to_owned(), |rules, (from, to)| {
        assert!(rules.contains(from), "`{from}` is not in:\n{rules}");
        rules.replace(from, &folder.path(to).to_string_lossy())
    });
    let file = folder.write("hooktail.yaml", rules);
    std::fs::create_dir_all(folder.path(log.0).parent().expect("a folder")).expect("the folder is ours");
    folder.write(log.0, log.1);
    folder.write("webhook", WEBHOOK);
    let with = |args: &[&str]| {
        let launch = Launch::new(args).args(["-c".as_ref(), file.as_os_str()]);
        let launch =
            launch.env("SLACK_WEBHOOK_URL", WEBHOOK).env("NODE_NAME", "node-7").env("POD_NAME", "pod-7");
        let ended = launch.output("");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        String::from_utf8(ended.stdout).expect("text")
    };
    with(&["check"]);
    with(&["run", "--dry-run", "--until-eof"])
}

fn check_workload(documents: &[Value], kind: &str) {
    for document in documents {
        for field in ["apiVersion", "kind"] {
            assert!(document[field].is_string(), "{field} of {document}");
        }
        assert!(document["metadata"]["name"].is_string(), "{document}");
    }
    let workload = of_kind(documents, kind);
    assert_eq!(workload["apiVersion"], "apps/v1");
    let (spec, template) = (&workload["spec"], &workload["spec"]["template"]);
    assert_eq!(spec["selector"]["matchLabels"], template["metadata"]["labels"], "it would select nothing");
    let pod = &template["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    // A stop has `--grace`, and then a second to end.
    assert!(pod["terminationGracePeriodSeconds"].as_u64().is_some_and(|seconds| seconds > 11));

    let volumes = pod["volumes"].as_array().expect("volumes");
    for container in pod["containers"].as_array().expect("containers") {
        assert!(container["image"].is_string(), "{container}");
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false, "{container}");
        assert_eq!(security["readOnlyRootFilesystem"], true, "{container}");
        assert_eq!(security["capabilities"]["drop"], json!(["ALL"]), "{container}");
        for mount in container["volumeMounts"].as_array().expect("mounts") {
            assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
        }
    }
    let mounts = &named(&pod["containers"], "hooktail")["volumeMounts"];
    for (name, path, read_only) in [
        ("rules", "/etc/hooktail", json!(true)),
        ("webhook", "/run/secrets/hooktail", json!(true)),
        ("state", "/var/lib/hooktail", Value::Null),
    ] {
        let mount = named(mounts, name);
        assert_eq!((&mount["mountPath"], &mount["readOnly"]), (&json!(path), &read_only));
    }
    assert_eq!(named(mounts, "logs")["readOnly"], true);
    let rules = &of_kind(documents, "ConfigMap")["metadata"]["name"];
    assert_eq!(&named(&pod["volumes"], "rules")["configMap"]["name"], rules);
    let args = &named(&pod["containers"], "hooktail")["args"];
    assert_eq!(args, &json!(["run", "-c", "/etc/hooktail/hooktail.yaml"]));
    let text = rules_of(documents);
    assert!(text.contains("/run/secrets/hooktail/webhook") && text.contains("state_dir: /var/lib/hooktail"));
}

fn rules_of(documents: &[Value]) -> &str {
    of_kind(documents, "ConfigMap")["data"]["hooktail.yaml"].as_str().expect("a rule file")
}

#[test]
fn the_sidecar_is_whole_and_its_rules_work() {
    let documents = documents("kubernetes/sidecar.yaml");
    check_workload(&documents, "Deployment");
    let pod = &of_kind(&documents, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let moves = [
        ("/run/secrets/hooktail/webhook", "webhook"),
        ("/var/log/app", "app"),
        ("/var/lib/hooktail", "state"),
    ];
    let drawn = drawn(rules_of(&documents), &moves, ("app/app.log", "INFO fine\nERROR disk sda1 is full\n"));
    assert!(drawn.contains("[ERROR] disk sda1 is full · pod-7"), "{drawn}");
}

#[test]
fn the_daemon_set_is_whole_and_its_rules_work() {
    let documents = documents("kubernetes/daemonset.yaml");
    check_workload(&documents, "DaemonSet");
    let pod = &of_kind(&documents, "DaemonSet")["spec"]["template"]["spec"];
    let security = &named(&pod["containers"], "hooktail")["securityContext"];
    assert_eq!(
        security["capabilities"]["add"],
        json!(["DAC_READ_SEARCH"]),
        "what reads others' files, and no more"
    );
    let moves = [
        ("/run/secrets/hooktail/webhook", "webhook"),
        ("/var/log/containers", "containers"),
        ("/var/lib/hooktail", "state"),
    ];
    let log = "2026-11-25T10:00:00.123456789Z stdout F ERROR disk sda1 is full\n\
               2026-11-25T10:00:01.123456789Z stderr F INFO fine\n";
    let drawn = drawn(rules_of(&documents), &moves, ("containers/app-1_default_app-0.log", log));
    assert!(drawn.contains("disk sda1 is full") && drawn.contains("node-7"), "{drawn}");
    assert!(!drawn.contains("fine"), "{drawn}");
}

#[test]
fn the_compose_file_is_whole_and_its_rules_work() {
    let documents = documents("docker/compose.yaml");
    let [file] = &documents[..] else { panic!("one document") };
    let hooktail = &file["services"]["hooktail"];
    assert_eq!((&hooktail["read_only"], &hooktail["cap_drop"]), (&json!(true), &json!(["ALL"])));
    assert_eq!(hooktail["security_opt"], json!(["no-new-privileges:true"]));
    let context = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/docker");
    let build = |key: &str| hooktail["build"][key].as_str().expect("a path");
    assert!(context.join(build("context")).join(build("dockerfile")).is_file());
    for service in ["app", "hooktail"] {
        for volume in file["services"][service]["volumes"].as_array().expect("volumes") {
            let name = volume.as_str().and_then(|volume| volume.split(':').next()).expect("a name");
            assert!(file["volumes"][name].is_object(), "{name}");
        }
    }
    let source = hooktail["configs"][0]["source"].as_str().expect("a name");
    let rules = file["configs"][source]["content"].as_str().expect("a rule file").replace("$$", "$");
    let drawn = drawn(&rules, &[("/var/log/app", "app")], ("app/app.log", "ERROR disk sda1 is full\n"));
    assert!(drawn.contains("[CRITICAL] disk sda1 is full · compose"), "{drawn}");
}

/// Who starts the image without naming a user must not be root, and what it starts must find its state.
#[test]
fn the_image_is_nobodys_and_holds_nothing_else() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/docker/Dockerfile");
    let text = std::fs::read_to_string(path).expect("our own file");
    let (_, last) = text.split_once("\nFROM scratch\n").expect("the last stage is empty");
    for line in ["USER 65532:65532", "ENV STATE_DIRECTORY=/var/lib/hooktail", "STOPSIGNAL SIGTERM"] {
        assert!(last.lines().any(|written| written == line), "{line}");
    }
    assert!(!last.contains("RUN "), "there is no shell to run it");
}

use super::*;
use crate::app::guard::{Decision, RunLock, decide};
use crate::review::RunId;
use crate::run::Start;
use crate::schema::{TaskSchema, agent_task_schema};
use crate::secrets::Keyring;
use crate::settings::{Address, BodyTemplate, HostPolicy, ModelEndpoint, TaskServer};

const SECRET: &str = "hunter2-hunter2";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn connection() -> Connection {
    Connection {
        name: "Team".to_owned(),
        model: Some(ModelEndpoint::at(address("http://localhost:9/v1"), "m")),
        task_server: Some(TaskServer::at(address("https://tasks.example.com"))),
        ..Connection::built_in()
    }
}

fn keyring(secret: &str) -> Keyring {
    let mut keyring = Keyring::default();
    let server = address("https://tasks.example.com");
    keyring
        .give(SecretSlot::AGENT_TOKEN, &server, secret)
        .unwrap();
    keyring
}

fn form(goal: &str, context: &str, rules: &str) -> BriefForm {
    BriefForm {
        goal: goal.to_owned(),
        context: context.to_owned(),
        rules: rules.to_owned(),
        ..BriefForm::default()
    }
}

fn situation<'a>(
    connection: &'a Connection,
    brief: &'a BriefForm,
    run: Option<&'a Run>,
    secrets: &'a Keyring,
    hosts: &'a HostPolicy,
) -> Situation<'a> {
    Situation {
        connection,
        brief: Some(brief),
        run,
        lock: RunLock::Held,
        may_leave_work: true,
        may_repeat_secrets: false,
        hosts: Some(hosts),
        secrets,
    }
}

fn places(decision: &Decision) -> Vec<LeakPlace> {
    match decision {
        Decision::ConfirmLeaks(leaks) => leaks.iter().map(|leak| leak.place.clone()).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_brief_with_a_held_secret_in_any_form_is_sent_only_after_consent() {
    let connection = connection();
    let hosts = HostPolicy::default();
    for (text, is_found) in [
        ("Log in with hunter2-hunter2", true),
        ("https://a.example/?t=hunter2%2Dhunter2", true),
        (r"say hunter2\u002dhunter2", true),
        ("basic aHVudGVyMi1odW50ZXIy", true),
        ("68756e746572322d68756e74657232", true),
        ("hunter2", false),
    ] {
        let brief = form("Ship it", text, text);
        let held = keyring(SECRET);
        let mut situation = situation(&connection, &brief, None, &held, &hosts);
        let decision = decide(Action::Generate(Mode::Live), &situation);
        let expected = match is_found {
            true => vec![LeakPlace::Context, LeakPlace::Rules],
            false => Vec::new(),
        };
        assert_eq!(places(&decision), expected, "{text}");
        // Nothing leaves in a dry run.
        let dry = decide(Action::Generate(Mode::Dry), &situation);
        assert_eq!(dry, Decision::Local, "{text}");
        situation.may_repeat_secrets = true;
        let decision = decide(Action::Generate(Mode::Live), &situation);
        assert!(matches!(decision, Decision::Send(_)), "{decision:?}");
    }
}

#[test]
fn a_short_secret_is_an_ordinary_word() {
    let (connection, hosts) = (connection(), HostPolicy::default());
    let (brief, held) = (form("The secret of tea", "", ""), keyring("secret"));
    let situation = situation(&connection, &brief, None, &held, &hosts);
    let decision = decide(Action::Generate(Mode::Live), &situation);
    assert!(matches!(decision, Decision::Send(_)), "{decision:?}");
}

#[test]
fn the_schema_and_the_settings_of_the_model_are_part_of_the_prompt() {
    let connection = Connection {
        task_schema: Some(format!(r#"{{"title":"{SECRET}"}}"#)),
        ..connection()
    };
    let hosts = HostPolicy::default();
    let (brief, held) = (form("Ship it", "", ""), keyring(SECRET));
    let situation = situation(&connection, &brief, None, &held, &hosts);
    let decision = decide(Action::Generate(Mode::Live), &situation);
    assert_eq!(
        places(&decision),
        [LeakPlace::Connection {
            name: "Team".to_owned(),
            member: "task_schema".to_owned()
        }]
    );
}

/// A live run with a brief and one imported task of this title.
fn run(title: &str) -> Run {
    let (mut run, _) = Run::start(Start {
        id: RunId::from_bits(1),
        mode: Mode::Live,
        at: 0,
        brief: Some(form("Ship it", "", "").check(0).unwrap()),
        connection: connection(),
        schema: TaskSchema::parse(agent_task_schema()).unwrap(),
    });
    let task = format!(r#"{{"key":"a","title":"{title}","instructions":"Do it."}}"#);
    run.apply(
        Event::Import {
            texts: vec![task.as_str().into()],
        },
        0,
    );
    run
}

#[test]
fn a_follow_up_request_is_checked_with_its_instruction_and_its_tasks() {
    let (connection, hosts) = (connection(), HostPolicy::default());
    let (brief, held) = (form("", "", ""), keyring(SECRET));
    let run = run(SECRET);
    let draft = run.drafts()[0].id.clone();
    let event = Event::FollowUp(FollowUp::Revise {
        draft: draft.clone(),
        instruction: format!("Use {SECRET}"),
    });
    let situation = situation(&connection, &brief, Some(&run), &held, &hosts);
    let decision = decide(Action::Send(&event), &situation);
    assert_eq!(
        places(&decision),
        [LeakPlace::Instruction, LeakPlace::Task(1)]
    );
    let leaks = in_tasks(&run, &[draft], &held.redactor());
    assert_eq!(leaks.len(), 1);
    assert_eq!(leaks[0].to_string(), "Task 1 contains the agent token.");
}

#[test]
fn a_connection_is_searched_member_by_member_and_nothing_found_is_shown() {
    let template = format!(r#"{{"by":"{SECRET}","task":$task}}"#);
    let server = TaskServer {
        body_template: Some(BodyTemplate::parse(&template).unwrap()),
        ..TaskServer::at(address("https://tasks.example.com"))
    };
    let leaky = Connection {
        name: format!("My {SECRET}"),
        task_server: Some(server),
        ..connection()
    };
    let held = keyring(SECRET);
    let leaks = in_connections(&[&connection(), &leaky], &held.redactor());
    let texts: Vec<String> = leaks.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "The setting name of the connection “My [secret]” contains the agent token.",
            "The setting task_server/body_template of the connection “My [secret]” contains the agent token."
        ]
    );
    assert!(in_file("nothing", &held.redactor()).is_empty());
    assert_eq!(
        in_file(SECRET, &held.redactor())[0].to_string(),
        "The file contains the agent token."
    );
}

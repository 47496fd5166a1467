//! Posts tasks one after the other, without a journal: the caller keeps the receipts.

use super::error::SurfaceError;
use super::receipt::{JsReceipt, NotSent};
use crate::delivery::{DeliveryOutcome, body, request, response};
use crate::document::Document;
use crate::ports::{StopSignal, TaskSink};
use crate::review::{Approval, DraftId, RunId};
use crate::secrets::Keyring;
use crate::settings::{BodyTemplate, TaskServer};

/// The longest idempotency key that is taken, in characters.
const MAX_KEY_CHARACTERS: usize = 200;

/// What leaves for each task: its exact bytes, in `template` where there is one, their digest, and its idempotency key. The keys are
/// made from `random`, 128 bits that nobody can guess, unless the caller gives one for each task,
/// as to post once more what may have arrived.
///
/// # Errors
/// [`SurfaceError::Argument`] for keys that are too few, too many, or that no header can carry.
pub fn approvals(
    tasks: &[Document],
    template: Option<&BodyTemplate>,
    keys: Option<&[String]>,
    random: u128,
) -> Result<Vec<Approval>, SurfaceError> {
    let wrong = |reason: String| SurfaceError::Argument {
        argument: "options",
        reason,
    };
    if let Some(keys) = keys {
        if keys.len() != tasks.len() {
            return Err(wrong(format!(
                "idempotencyKeys holds {} keys for {} tasks",
                keys.len(),
                tasks.len()
            )));
        }
        let is_key = |key: &String| {
            !key.is_empty()
                && key.len() <= MAX_KEY_CHARACTERS
                && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(index) = keys.iter().position(|key| !is_key(key)) {
            return Err(wrong(format!(
                "idempotencyKeys[{index}] is not 1 to {MAX_KEY_CHARACTERS} visible ASCII characters"
            )));
        }
    }
    let run = RunId::from_bits(random);
    Ok(tasks
        .iter()
        .enumerate()
        .map(|(index, task)| {
            let id = DraftId {
                run: run.clone(),
                ordinal: u32::try_from(index).unwrap_or(u32::MAX),
            };
            let mut approval = body::approve(&id, &task.shared_text(), template);
            if let Some(key) = keys.and_then(|keys| keys.get(index)) {
                approval.key = key.as_str().into();
            }
            approval
        })
        .collect())
}

/// Posts each task once, in the order given, and comes back with a receipt for every one. Each
/// waits for the answer to the one before it. What follows is not sent after a first task that is
/// not taken, after 401 and 403, after an answer that leaves open whether the task arrived, and
/// once `stop` is given; the one that is on its way then is waited for.
pub async fn deliver<S: TaskSink>(
    sink: &S,
    server: &TaskServer,
    secrets: &Keyring,
    approvals: &[Approval],
    stop: &StopSignal,
    now: &dyn Fn() -> u64,
    on_receipt: &dyn Fn(&JsReceipt),
) -> Vec<JsReceipt> {
    let mut receipts = Vec::with_capacity(approvals.len());
    let mut held: Option<NotSent> = None;
    for (index, approval) in approvals.iter().enumerate() {
        if held.is_none() && stop.is_stopped() {
            held = Some(NotSent::Stopped);
        }
        let receipt = match held {
            Some(why) => JsReceipt::not_sent(index, approval, why),
            None => {
                let outcome = post(sink, server, secrets, approval, now).await;
                held = what_holds(&outcome, index == 0);
                JsReceipt::new(index, approval, &outcome)
            }
        };
        on_receipt(&receipt);
        receipts.push(receipt);
    }
    receipts
}

async fn post<S: TaskSink>(
    sink: &S,
    server: &TaskServer,
    secrets: &Keyring,
    approval: &Approval,
    now: &dyn Fn() -> u64,
) -> DeliveryOutcome {
    match request::post(server, approval).prepare(secrets) {
        Err(error) => DeliveryOutcome::NotSent {
            message: error.to_string(),
        },
        Ok(request) => {
            let reply = sink.post(&request).await;
            response::outcome(&reply, now()).with_words(|text| request.redact(text))
        }
    }
}

/// Why nothing more is sent after an outcome; none where the next one goes.
fn what_holds(outcome: &DeliveryOutcome, is_first: bool) -> Option<NotSent> {
    match outcome {
        DeliveryOutcome::Delivered { .. } | DeliveryOutcome::Dry => None,
        DeliveryOutcome::Refused { .. } => is_first.then_some(NotSent::FirstNotTaken),
        DeliveryOutcome::Unauthorized { .. } => Some(NotSent::TokenRefused),
        DeliveryOutcome::NoToken => Some(NotSent::TokenRefused),
        DeliveryOutcome::NotTaken { .. }
        | DeliveryOutcome::MayHaveArrived { .. }
        | DeliveryOutcome::NotSent { .. } => Some(NotSent::ServerInTrouble),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::delivery::response::ServerReply;
    use crate::http::{HttpRequest, PreparedRequest};
    use crate::secrets::SecretSlot;
    use crate::settings::Address;
    use serde_json::Value;

    /// Answers in order, and keeps what was posted.
    struct Scripted {
        answers: RefCell<Vec<ServerReply>>,
        posted: RefCell<Vec<HttpRequest>>,
    }

    impl TaskSink for Scripted {
        async fn post(&self, request: &PreparedRequest) -> ServerReply {
            self.posted.borrow_mut().push(request.request().clone());
            self.answers.borrow_mut().remove(0)
        }

        async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
            panic!("nothing is looked up here")
        }
    }

    fn http(status: u16) -> ServerReply {
        ServerReply::Http {
            status,
            retry_after: None,
            replayed: false,
            body: "{\"id\":7}".into(),
        }
    }

    fn now<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn a_token_that_the_server_repeats_is_in_no_receipt() {
        let address = Address::parse("http://localhost:8080").unwrap();
        let mut token = Keyring::default();
        token
            .give(SecretSlot::AGENT_TOKEN, &address, "hunter2")
            .unwrap();
        let text = Document::parse("{}").unwrap();
        let sink = Scripted {
            answers: RefCell::new(vec![ServerReply::Http {
                status: 422,
                retry_after: None,
                replayed: false,
                body: r#"{"detail":"hunter2 may not post this"}"#.into(),
            }]),
            posted: RefCell::default(),
        };
        let receipts = now(deliver(
            &sink,
            &TaskServer::at(address),
            &token,
            &approvals(&[text], None, None, 7).unwrap(),
            &StopSignal::default(),
            &|| 0,
            &|_| {},
        ));
        let receipts = serde_json::to_string(&receipts).unwrap();
        assert!(
            receipts.contains("[secret] may not post this"),
            "{receipts}"
        );
        assert!(!receipts.contains("hunter2"), "{receipts}");
    }

    /// Outcomes, and how many requests were made.
    fn run(answers: Vec<ServerReply>, tasks: usize, stop_after: usize) -> (Vec<String>, usize) {
        let texts: Vec<Document> = (0..tasks)
            .map(|n| Document::parse(&format!("{{ \"n\":{n}}}")).unwrap())
            .collect();
        let approvals = approvals(&texts, None, None, 7).unwrap();
        let address = Address::parse("http://localhost:8080").unwrap();
        let mut token = Keyring::default();
        token
            .give(SecretSlot::AGENT_TOKEN, &address, "hunter2")
            .unwrap();
        let sink = Scripted {
            answers: RefCell::new(answers),
            posted: RefCell::default(),
        };
        let stop = StopSignal::default();
        let told = RefCell::new(0);
        let receipts = now(deliver(
            &sink,
            &TaskServer::at(address),
            &token,
            &approvals,
            &stop,
            &|| 0,
            &|_| {
                *told.borrow_mut() += 1;
                if *told.borrow() == stop_after {
                    stop.stop();
                }
            },
        ));
        assert_eq!(*told.borrow(), receipts.len(), "each receipt is told once");
        for (request, text) in sink.posted.borrow().iter().zip(&texts) {
            assert_eq!(request.body.as_deref(), Some(text.text()));
        }
        let told: Vec<String> = receipts
            .iter()
            .map(|receipt| {
                let receipt = serde_json::to_value(receipt).unwrap();
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                match text(&receipt["outcome"]) {
                    name if name == "not_sent" => text(&receipt["code"]),
                    name => name,
                }
            })
            .collect();
        (told, sink.posted.into_inner().len())
    }

    #[test]
    fn posting_goes_on_while_the_server_answers_clearly_and_stops_where_it_does_not() {
        let silent = || ServerReply::None {
            message: "Failed to fetch".into(),
        };
        for (answers, expected, posts) in [
            (vec![http(201), http(200), http(202)], ["delivered"; 3], 3),
            (
                vec![http(201), http(422), http(201)],
                ["delivered", "refused", "delivered"],
                3,
            ),
            (
                vec![http(422)],
                ["refused", "first_not_taken", "first_not_taken"],
                1,
            ),
            (
                vec![http(401)],
                ["unauthorized", "token_refused", "token_refused"],
                1,
            ),
            (
                vec![http(201), http(403)],
                ["delivered", "unauthorized", "token_refused"],
                2,
            ),
            (
                vec![http(201), http(500)],
                ["delivered", "unconfirmed", "server_in_trouble"],
                2,
            ),
            (
                vec![http(201), silent()],
                ["delivered", "unconfirmed", "server_in_trouble"],
                2,
            ),
            (
                vec![http(429)],
                ["failed", "server_in_trouble", "server_in_trouble"],
                1,
            ),
        ] {
            let shown = format!("{answers:?}");
            assert_eq!(
                run(answers, 3, 0),
                (expected.map(str::to_owned).to_vec(), posts),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_stop_lets_the_one_on_its_way_end_and_sends_no_other() {
        let (told, posts) = run(vec![http(201), http(201)], 3, 1);
        assert_eq!(told, ["delivered", "stopped", "stopped"]);
        assert_eq!(posts, 1);
    }

    #[test]
    fn keys_are_new_for_each_delivery_unless_they_are_given() {
        let texts = [
            Document::parse("{}").unwrap(),
            Document::parse("{}").unwrap(),
        ];
        let made = approvals(&texts, None, None, 1).unwrap();
        assert_ne!(made[0].key, made[1].key);
        assert_ne!(
            made[0].key,
            approvals(&texts, None, None, 2).unwrap()[0].key
        );
        let keys = ["a".to_owned(), "b".to_owned()];
        let given = approvals(&texts, None, Some(&keys), 1).unwrap();
        assert_eq!((&*given[0].key, &*given[1].key), ("a", "b"));
        for keys in [
            vec![],
            vec!["a".into(), "b\n".into()],
            vec!["a".into(), String::new()],
        ] {
            let error = approvals(&texts, None, Some(&keys), 1).unwrap_err();
            assert_eq!(error.code(), "invalid_argument", "{keys:?}");
        }
    }
}

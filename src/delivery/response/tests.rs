use super::*;

/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: u64 = 784_111_777_000;

fn received(status: u16, content_type: Option<&str>, body: &str) -> DeliveryOutcome {
    outcome(
        &ServerReply::Http {
            status,
            content_type: content_type.map(str::to_owned),
            retry_after: None,
            location: None,
            replayed: false,
            body: body.to_owned(),
        },
        &sent(),
        NOW,
    )
}

fn http(status: u16, retry_after: Option<&str>, body: &str) -> DeliveryOutcome {
    outcome(
        &ServerReply::Http {
            status,
            content_type: None,
            retry_after: retry_after.map(str::to_owned),
            location: None,
            replayed: false,
            body: body.to_owned(),
        },
        &sent(),
        NOW,
    )
}

fn sent() -> Sent<'static> {
    Sent::new("https://a.example/tasks", r#"{"title":"t"}"#, None)
}

#[test]
fn the_id_is_taken_from_the_place_that_is_set_and_else_looked_for() {
    let body = r#"{"request_id": "r-1", "data": {"ref/no": 7, "id": "d-1"}, "none": {}}"#;
    for (pointer, id, at) in [
        (None, Some("d-1"), Some("/data/id")),
        (Some("/request_id"), Some("r-1"), Some("/request_id")),
        (Some("/data/ref~1no"), Some("7"), Some("/data/ref~1no")),
        // Not some other number.
        (Some("/data/number"), None, None),
        (Some("/none"), None, None),
    ] {
        let reply = ServerReply::Http {
            status: 201,
            content_type: None,
            retry_after: None,
            location: Some("https://a.example/tasks/l-1".to_owned()),
            replayed: false,
            body: body.to_owned(),
        };
        let expected = DeliveryOutcome::Delivered {
            status: Some(201),
            server_id: id.map(str::to_owned),
            id_at: at.map(str::to_owned),
            replayed: false,
        };
        let outcome = outcome(&reply, &sent().with_id_at(pointer), NOW);
        assert_eq!(outcome, expected, "{pointer:?}");
    }
    // What is nothing but an identifier has no place.
    for body in ["42", ""] {
        let reply = ServerReply::Http {
            status: 201,
            content_type: None,
            retry_after: None,
            location: Some("https://a.example/tasks/42".to_owned()),
            replayed: false,
            body: body.to_owned(),
        };
        let DeliveryOutcome::Delivered {
            server_id, id_at, ..
        } = outcome(&reply, &sent(), NOW)
        else {
            panic!("{body}");
        };
        assert_eq!((server_id.as_deref(), id_at), (Some("42"), None), "{body}");
    }
}

#[test]
fn each_status_has_the_outcome_of_the_table() {
    for (status, retry_after, expected) in [
        (200, None, "delivered"),
        (201, None, "delivered"),
        (202, None, "delivered"),
        (204, None, "delivered"),
        (301, None, "unconfirmed"),
        (303, None, "unconfirmed"),
        (307, None, "unconfirmed"),
        (400, None, "refused"),
        (404, None, "refused"),
        (405, None, "refused"),
        (413, None, "refused"),
        (415, None, "refused"),
        (422, None, "refused"),
        (418, None, "refused"),
        (401, None, "unauthorized"),
        (403, None, "unauthorized"),
        (425, None, "failed"),
        (429, None, "failed"),
        (429, Some("7"), "failed"),
        (503, Some("7"), "failed"),
        (503, Some("Sun, 06 Nov 1994 08:49:47 GMT"), "failed"),
        (503, None, "unconfirmed"),
        (503, Some("soon"), "unconfirmed"),
        (408, None, "unconfirmed"),
        (409, None, "unconfirmed"),
        (500, None, "unconfirmed"),
        (502, None, "unconfirmed"),
        (504, None, "unconfirmed"),
        (599, None, "unconfirmed"),
    ] {
        let outcome = serde_json::to_value(http(status, retry_after, "{}")).unwrap();
        assert_eq!(outcome["outcome"], expected, "{status} {retry_after:?}");
    }
}

#[test]
fn without_a_status_the_task_may_have_arrived() {
    for (reply, expected) in [
        (
            ServerReply::None {
                message: "Failed to fetch".into(),
            },
            UnconfirmedCause::NoResponse,
        ),
        (
            ServerReply::TimedOut {
                milliseconds: 60_000,
            },
            UnconfirmedCause::TimedOut,
        ),
        (
            ServerReply::Redirected {
                redirect: Redirect::Hidden,
            },
            UnconfirmedCause::Redirected,
        ),
        (
            ServerReply::Redirected {
                redirect: Redirect::Elsewhere,
            },
            UnconfirmedCause::Redirected,
        ),
    ] {
        let DeliveryOutcome::Unconfirmed {
            status: None,
            cause,
            ..
        } = outcome(&reply, &sent(), NOW)
        else {
            panic!("{reply:?}");
        };
        assert_eq!(cause, expected);
    }
}

#[test]
fn a_redirect_to_the_other_slash_is_a_refusal_that_names_the_path() {
    for (url, path) in [
        (
            "https://a.example/tasks",
            "with the trailing slash, and took no task. Enter the path exactly as the server declares it: /tasks/",
        ),
        (
            "https://a.example/v1/tasks/?q=1",
            "without the trailing slash, and took no task. Enter the path exactly as the server declares it: /v1/tasks?q=1",
        ),
    ] {
        let reply = ServerReply::Redirected {
            redirect: Redirect::AdjustsSlash,
        };
        let outcome = outcome(&reply, &Sent::new(url, "{}", None), NOW);
        let DeliveryOutcome::Refused { message, .. } = outcome else {
            panic!("{url}: {outcome:?}");
        };
        assert!(message.ends_with(path), "{message}");
    }
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    for (value, seconds) in [
        ("7", Some(7)),
        ("0.2", Some(1)),
        ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("later", None),
    ] {
        let DeliveryOutcome::Failed { retry_after, .. } = http(429, Some(value), "") else {
            panic!("{value}");
        };
        assert_eq!(retry_after, seconds, "{value}");
    }
}

#[test]
fn a_receipt_has_the_servers_id_if_it_gives_one() {
    for (body, id) in [
        (r#"{"task_id": 1}"#, Some("1")),
        (r#"{"data":{"task":{"uuid":"u"}}}"#, Some("u")),
        ("\"t-17\"", Some("t-17")),
        (r#"{"ok":true}"#, None),
        ("", None),
        ("queued", None),
        ("\u{feff}{\"id\": 7}", Some("7")),
    ] {
        let DeliveryOutcome::Delivered { server_id, .. } = http(200, None, body) else {
            panic!("{body}");
        };
        assert_eq!(server_id.as_deref(), id, "{body}");
    }
}

#[test]
fn a_location_names_the_id_if_the_body_does_not() {
    for (body, id) in [("", "17"), ("{\"ok\":true}", "17"), ("{\"id\":\"t\"}", "t")] {
        let reply = ServerReply::Http {
            status: 201,
            content_type: None,
            retry_after: None,
            location: Some("https://a.example/tasks/17".to_owned()),
            replayed: false,
            body: body.to_owned(),
        };
        let DeliveryOutcome::Delivered { server_id, .. } = outcome(&reply, &sent(), NOW) else {
            panic!("{body}");
        };
        assert_eq!(server_id.as_deref(), Some(id), "{body}");
    }
}

#[test]
fn a_2xx_that_is_no_receipt_is_unconfirmed_and_says_why() {
    for (content_type, body, expected) in [
        (
            "text/html",
            "\u{feff}<!DOCTYPE html><title>Sign in</title>",
            "(“Sign in”)",
        ),
        ("application/xml", "<ok/>", "XML document"),
        (
            "application/json",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600}}"#,
            "Model Context Protocol",
        ),
        (
            "application/json",
            r#"{"success":false,"message":"The queue is full"}"#,
            "The status 200 says success, but the response says \"success\": false. The queue is full",
        ),
        (
            "application/json",
            r#"{"errors":{"title":["is too long"]}}"#,
            "/title: is too long",
        ),
        ("text/plain", "ERROR queue is full", "“ERROR queue is full”"),
    ] {
        let outcome = received(200, Some(content_type), body);
        let DeliveryOutcome::Unconfirmed {
            status: Some(200),
            cause: UnconfirmedCause::NoReceipt,
            message,
        } = outcome
        else {
            panic!("{body} was taken for a receipt: {outcome:?}");
        };
        assert!(message.contains(expected), "{body}: {message}");
    }
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    assert!(
        matches!(http(404, None, page), DeliveryOutcome::Refused { message, .. } if message.contains("web page"))
    );
}

#[test]
fn a_refusal_has_the_servers_code_message_and_reasons() {
    for (status, body, code, message, path) in [
        (
            422,
            r#"{"code":"schema_violation","detail":"no","violations":[{"instance_path":"/title","message":"too short"}]}"#,
            "schema_violation",
            "no",
            "/title",
        ),
        (
            422,
            r#"{"detail":[{"type":"missing","loc":["body","owner"],"msg":"Field required","input":{}}]}"#,
            "http_422",
            "/owner: Field required",
            "/owner",
        ),
        (
            400,
            r#"{"error":{"code":"invalid","message":"No","details":[{"field":"title","message":"too long"}]}}"#,
            "invalid",
            "No",
            "/title",
        ),
        (
            409,
            r#"{"code":"duplicate_title","message":"A task of this title exists","field":"title"}"#,
            "duplicate_title",
            "A task of this title exists",
            "/title",
        ),
    ] {
        let outcome = http(status, None, body);
        let DeliveryOutcome::Refused {
            status: Some(_),
            code: found,
            message: text,
            reasons,
        } = outcome
        else {
            panic!("{body}: {outcome:?}");
        };
        assert_eq!((found.as_str(), text.as_str()), (code, message), "{body}");
        let paths: Vec<&str> = reasons.iter().map(|r| r.instance_path.as_str()).collect();
        assert_eq!(paths, [path], "{body}");
    }
}

#[test]
fn a_rejected_token_keeps_the_servers_code_and_reasons() {
    // A run that knows better makes a refusal of it.
    let body = r#"{"code":"blocked","message":"No","errors":[{"field":"title","message":"not that word"}]}"#;
    let DeliveryOutcome::Unauthorized { code, reasons, .. } = http(403, None, body) else {
        panic!("a 403 alone may be about the token");
    };
    assert_eq!((code.as_str(), reasons.len()), ("blocked", 1));
}

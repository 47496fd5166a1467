//! `fetch` calls of JavaScript.

use crate::support::{assert_reads, notices};

#[test]
fn calls_of_fetch_are_read() {
    let title = r#"POST https://tasks.example.com/tasks | {"title":"a"}"#;
    let token = r#"POST https://tasks.example.com/tasks | <X-AGENT-TOKEN>=hunter2 | {"title":"a"}"#;
    assert_reads(&[
        (
            "fetch(\"https://tasks.example.com/tasks\", {\n  \"headers\": {\n    \"accept\": \"*/*\",\n    \"content-type\": \"application/json\",\n    \"sec-ch-ua\": \"\\\"Chromium\\\";v=\\\"1\\\"\",\n    \"x-agent-token\": \"hunter2\"\n  },\n  \"referrer\": \"https://app.example.com/\",\n  \"body\": \"{\\\"title\\\":\\\"a\\\"}\",\n  \"method\": \"POST\",\n  \"mode\": \"cors\",\n  \"credentials\": \"omit\"\n});",
            r#"POST https://tasks.example.com/tasks | <x-agent-token>=hunter2 | {"title":"a"}"#,
        ),
        (
            "await fetch('https://tasks.example.com/tasks', {method: 'post', body: JSON.stringify({title: 'a'})})",
            title,
        ),
        (
            "const response = await fetch(`https://tasks.example.com/tasks`, {\n  method: \"POST\",\n  headers: { \"X-AGENT-TOKEN\": \"hunter2\", },\n  body: JSON.stringify({ title: \"a\", }), // one task\n});\nconst data = await response.json();",
            token,
        ),
        (
            "const token = \"hunter2\";\nconst body = { title: 'a' };\nfetch('https://tasks.example.com/tasks', { method: 'POST', headers: { 'X-AGENT-TOKEN': token }, body: JSON.stringify(body) }).then(r => r.json());",
            token,
        ),
        (
            "const myHeaders = new Headers();\nmyHeaders.append(\"X-AGENT-TOKEN\", \"hunter2\");\nconst raw = JSON.stringify({\n  \"title\": \"a\"\n});\nconst requestOptions = {\n  method: \"POST\",\n  headers: myHeaders,\n  body: raw,\n  redirect: \"follow\"\n};\nfetch(\"https://tasks.example.com/tasks\", requestOptions)\n  .then((response) => response.text())",
            token,
        ),
        (
            "async function post() {\n  const res = await window.fetch(\"https://tasks.example.com\" + \"/tasks\", { method: \"POST\", body: '{\"title\":\"\\u0061\"}' });\n}",
            title,
        ),
        (
            "fetch(`https://tasks.example.com/tasks`, { method: 'POST', headers: { Authorization: `Bearer ${process.env.TOKEN}` }, body: '{}' })",
            "POST https://tasks.example.com/tasks | <Authorization> Bearer missing ${process.env.TOKEN} | {}",
        ),
        (
            "fetch(`${BASE_URL}/tasks`, { method: 'POST', headers: [['X-TENANT', 'blue']], body: JSON.stringify(task) })",
            "POST [address_empty]/tasks | X-TENANT: blue",
        ),
        (
            "/* Node */ const send = async () => { await fetch('https://tasks.example.com/tasks?queue=blue', { method: 'POST', body: JSON.stringify({ n: 1.5, ok: true, list: [1, 'b', null], 'k-k': -2 }) }) }",
            r#"POST https://tasks.example.com/tasks?queue=blue | {"n":1.5,"ok":true,"list":[1,"b",null],"k-k":-2}"#,
        ),
        (
            "let url: string = 'https://tasks.example.com/tasks'\nfetch(url)",
            "GET https://tasks.example.com/tasks",
        ),
        (
            "const headers = { 'X-TENANT': 'blue' };\nconst options = { method: 'POST', headers };\nfetch('https://tasks.example.com/tasks', { ...options, body: '{}' })",
            "POST https://tasks.example.com/tasks | X-TENANT: blue | {}",
        ),
    ]);
}

#[test]
fn what_a_call_does_not_tell_is_named() {
    for (call, notice) in [
        ("fetch(url, options)", "options of the call are in options"),
        (
            "fetch('https://a.example/t', {method: 'POST', body: JSON.stringify(task)})",
            "The body is in task",
        ),
        (
            "fetch('https://a.example/t', {credentials: 'include'})",
            "cannot send cookies",
        ),
        (
            "fetch('https://a.example/t', {headers: getHeaders('hunter2')})",
            "The headers are in getHeaders(…)",
        ),
        (
            "fetch('https://a.example/t', {method: 'POST', body: JSON.stringify({title: name})})",
            "has the variable name",
        ),
    ] {
        let notices = notices(call);
        assert!(
            notices.contains(notice),
            "{call}\nis commented by\n{notices}"
        );
        assert!(!notices.contains("hunter2"), "{notices}");
    }
}

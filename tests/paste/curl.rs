//! `curl` commands in the quoting styles that people paste.

use crate::support::{assert_reads, notices, request};
use taskwright::paste::RequestSource;

const TASKS: &str = "POST https://tasks.example.com/tasks";

#[test]
fn commands_for_bash_are_read() {
    let posts = |rest: &str| format!("{TASKS}{rest}");
    let title = posts(r#" | {"title":"a"}"#);
    let token = posts(r#" | <X-AGENT-TOKEN>=hunter2 | {"title":"a"}"#);
    let bearer = posts(r#" | <Authorization> Bearer=hunter2 | {"title":"a"}"#);
    assert_reads(&[
        (
            r#"curl https://tasks.example.com/tasks -d '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"$ curl https://tasks.example.com/tasks -d '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"me@host:~/x$ curl https://tasks.example.com/tasks -d '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"curl -sSL -XPOST https://tasks.example.com/tasks --data-raw '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"curl -k --compressed -v -f -i https://tasks.example.com/tasks -d '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"curl "https://tasks.example.com/tasks" -d "{\"title\":\"a\"}""#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d $'{"title":"\x61"}'"#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d $'{\"title\":\"\u0061\"}'"#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d $'{"title":"\141"}'"#,
            &title,
        ),
        (
            r#"curl --url https://tasks.example.com/tasks --json '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"curl --url=https://tasks.example.com/tasks --data='{"title":"a"}'"#,
            &title,
        ),
        (
            r#"/usr/bin/curl https://tasks.example.com/tasks -d '{"title":"a"}' | jq ."#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d '{"title":"a"}' > out.json 2>&1"#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d '{"title":"a"}'; echo done"#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d '{"title":"a"}' # post a task"#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d '{"ti'"tle"'":"a"}'"#,
            &title,
        ),
        (
            "curl \\\n  -X POST \\\n  https://tasks.example.com/tasks \\\n  -d '{\"title\":\"a\"}'",
            &title,
        ),
        (
            "curl -X POST \\  \n https://tasks.example.com/tasks \\\r\n -d '{\"title\":\"a\"}'\r\n",
            &title,
        ),
        (
            "# Post a task.\nTOKEN=abc\ncurl https://tasks.example.com/tasks -d '{\"title\":\"a\"}'",
            &title,
        ),
        (
            "curl -d @- https://tasks.example.com/tasks <<'EOF'\n{\"title\":\n\"a\"}\nEOF\n",
            &title,
        ),
        (
            "curl https://tasks.example.com/tasks -d @- <<EOF | jq\n{\"title\":\"a\"}\nEOF",
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d @- <<< '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"curl -o out.json -w '%{http_code}' -m 10 --retry 3 --max-time 5 https://tasks.example.com/tasks -d '{"title":"a"}'"#,
            &title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -H 'X-AGENT-TOKEN: hunter2' -d '{"title":"a"}'"#,
            &token,
        ),
        (
            r#"curl https://tasks.example.com/tasks -H'X-AGENT-TOKEN: hunter2' -d'{"title":"a"}'"#,
            &token,
        ),
        (
            r#"curl https://tasks.example.com/tasks --header="X-AGENT-TOKEN:hunter2" -d '{"title":"a"}'"#,
            &token,
        ),
        (
            r#"curl https://tasks.example.com/tasks -H "Content-Type: application/json" -H "x-agent-token: hunter2" -d '{"title":"a"}'"#,
            &posts(r#" | <x-agent-token>=hunter2 | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -H 'Authorization: Bearer hunter2' -d '{"title":"a"}'"#,
            &bearer,
        ),
        (
            r#"curl https://tasks.example.com/tasks --oauth2-bearer hunter2 -d '{"title":"a"}'"#,
            &bearer,
        ),
        (
            r#"curl https://tasks.example.com/tasks -u me:hunter2 -d '{"title":"a"}'"#,
            &posts(r#" | <Authorization> Basic=bWU6aHVudGVyMg== | {"title":"a"}"#),
        ),
        (
            r#"curl https://me:hunter2@tasks.example.com/tasks -d '{"title":"a"}'"#,
            &posts(r#" | <Authorization> Basic=bWU6aHVudGVyMg== | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -u me -d '{"title":"a"}'"#,
            &posts(r#" | <Authorization> Basic missing - | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -H "Authorization: Bearer $TOKEN" -d '{"title":"a"}'"#,
            &posts(r#" | <Authorization> Bearer missing $TOKEN | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -H "X-Api-Key: ${API_KEY:-hunter2}" -d '{"title":"a"}'"#,
            &posts(r#" | <X-Api-Key> missing ${API_KEY} | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -H "X-Api-Key: $(cat hunter2)" -d '{"title":"a"}'"#,
            &posts(r#" | <X-Api-Key> missing $(…) | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -H 'X-Api-Key: <your key>' -d '{"title":"a"}'"#,
            &posts(r#" | <X-Api-Key> missing - | {"title":"a"}"#),
        ),
        (
            r#"curl https://tasks.example.com/tasks -H 'X-Api-Key: YOUR_API_KEY' -d '{"title":"a"}'"#,
            &posts(r#" | <X-Api-Key> missing - | {"title":"a"}"#),
        ),
        (
            r#"curl "$HOST/tasks" -H "X-Agent-Token: hunter2" -d '{"title":"a"}'"#,
            r#"POST [address_empty]/tasks | <X-Agent-Token> without address | {"title":"a"}"#,
        ),
        (
            r#"curl 'https://tasks.example.com/tasks?queue=blue&dry=1' -H 'X-TENANT: acme' -d '{"title":"a"}'"#,
            r#"POST https://tasks.example.com/tasks?queue=blue&dry=1 | X-TENANT: acme | {"title":"a"}"#,
        ),
        (
            r#"curl https://tasks.example.com/tasks?queue=blue&dry=1 -d '{"title":"a"}'"#,
            r#"POST https://tasks.example.com/tasks?queue=blue&dry=1 | {"title":"a"}"#,
        ),
        (
            r#"curl 'https://tasks.example.com/tasks?api_key=hunter2&queue=blue' -d '{"title":"a"}'"#,
            r#"POST https://tasks.example.com/tasks?queue=blue | <api_key>=hunter2 | {"title":"a"}"#,
        ),
        (
            "curl -X PUT localhost:8080/tasks/1 -d '{\"title\":\"it'\\''s\"}'",
            r#"PUT http://localhost:8080/tasks/1 | {"title":"it's"}"#,
        ),
        (
            "curl tasks.example.com/tasks --json '{\"a\":' --json '1}'",
            r#"POST https://tasks.example.com/tasks | {"a":1}"#,
        ),
        (
            "curl https://tasks.example.com/tasks -d title=a -d 'note=b c' --data-urlencode 'x=1 & 2'",
            "POST https://tasks.example.com/tasks | title=a&note=b c&x=1%20%26%202",
        ),
        (
            "curl -G https://tasks.example.com/tasks -d limit=5 --data-urlencode 'q=a b'",
            "GET https://tasks.example.com/tasks?limit=5&q=a b",
        ),
        (
            "curl -I https://tasks.example.com/tasks",
            "HEAD https://tasks.example.com/tasks",
        ),
        (
            "curl -T task.json https://tasks.example.com/tasks",
            "PUT https://tasks.example.com/tasks",
        ),
        ("curl -d @task.json https://tasks.example.com/tasks", TASKS),
        ("curl -F file=@a.txt https://tasks.example.com/tasks", TASKS),
        (
            "curl https://tasks.example.com/tasks -b 'sid=hunter2' -A x -e https://other.example -H 'Cookie: a=b' -d '{}'",
            "POST https://tasks.example.com/tasks | {}",
        ),
        (
            "curl http://192.168.1.5:8000/tasks -H 'X-Agent-Token: hunter2' -d '{}'",
            "POST [address_not_secure]/tasks | <X-Agent-Token> without address | {}",
        ),
        (
            "curl “https://tasks.example.com/tasks” -H ‘X-TENANT: blue’",
            "GET https://tasks.example.com/tasks | X-TENANT: blue",
        ),
        (
            r#"curl https://tasks.example.com/tasks --data-raw $'{"title":"\ud83d\ude00 it\'s\\n"}'"#,
            "POST https://tasks.example.com/tasks | {\"title\":\"😀 it's\\n\"}",
        ),
        (
            "curl -- https://tasks.example.com/tasks",
            "GET https://tasks.example.com/tasks",
        ),
        (
            "sudo env A=b curl -s https://tasks.example.com/tasks",
            "GET https://tasks.example.com/tasks",
        ),
    ]);
}

#[test]
fn commands_for_the_command_prompt_are_read() {
    let title = r#"POST https://tasks.example.com/tasks | {"title":"a"}"#;
    let token =
        r#"POST https://tasks.example.com/tasks | <X-AGENT-TOKEN>=hunter2 | {"title":"a b"}"#;
    assert_reads(&[
        (
            "curl https://tasks.example.com/tasks ^\n -d \"{\\\"title\\\":\\\"a\\\"}\"",
            title,
        ),
        (
            r#"C:\Users\me>curl https://tasks.example.com/tasks -d "{\"title\":\"a\"}""#,
            title,
        ),
        (
            r#"curl https://tasks.example.com/tasks -d "{""title"":""a""}""#,
            title,
        ),
        (
            "curl -X POST ^\r\n  https://tasks.example.com/tasks ^\r\n  -d \"{\\\"title\\\":\\\"a\\\"}\"\r\n",
            title,
        ),
        (
            "curl ^\"https://tasks.example.com/tasks^\" ^\n  -H ^\"X-AGENT-TOKEN: hunter2^\" ^\n  --data-raw ^\"^{^\\^\"title^\\^\":^\\^\"a b^\\^\"^}^\"",
            token,
        ),
        (
            "curl \"https://tasks.example.com/tasks\" ^\n -H \"X-AGENT-TOKEN: hunter2\" ^\n -d \"{\\\"title\\\":\\\"a b\\\"}\" | more",
            token,
        ),
        (
            "curl \"https://tasks.example.com/a%20b\" ^\n -H \"X-AGENT-TOKEN: %TOKEN%\"",
            "GET https://tasks.example.com/a%20b | <X-AGENT-TOKEN> missing %TOKEN%",
        ),
        (
            "curl.exe \"https://tasks.example.com/tasks\" ^\n -d \"C:\\\\x\\\\\"",
            "POST https://tasks.example.com/tasks | C:\\\\x\\",
        ),
    ]);
}

#[test]
fn commands_for_powershell_are_read() {
    let title = r#"POST https://tasks.example.com/tasks | {"title":"a"}"#;
    assert_reads(&[
        (
            r#"curl.exe https://tasks.example.com/tasks -d '{"title":"a"}'"#,
            title,
        ),
        (
            r#"PS C:\> curl.exe -X POST https://tasks.example.com/tasks -d '{\"title\":\"a\"}'"#,
            title,
        ),
        (
            "curl.exe https://tasks.example.com/tasks `\n  -d \"{`\"title`\":`\"a`\"}\"",
            title,
        ),
        (
            "curl https://tasks.example.com/tasks `\r\n  -d \"{\"\"title\"\":\"\"a\"\"}\"\r\n",
            title,
        ),
        (
            "curl.exe https://tasks.example.com/tasks -d @'\n{\"title\":\"a\"}\n'@",
            title,
        ),
        (
            "$body = @\"\n{\"title\":\"a\"}\n\"@\ncurl.exe https://tasks.example.com/tasks -d $body",
            title,
        ),
        (
            "curl.exe https://tasks.example.com/tasks -H 'X-Note: it''s' -H \"X-Agent-Token: $env:TOKEN\"",
            "GET https://tasks.example.com/tasks | X-Note: it's | <X-Agent-Token> missing $env:TOKEN",
        ),
        (
            r#"curl -Uri https://tasks.example.com/tasks -Method POST -Body '{"title":"a"}'"#,
            title,
        ),
        (
            "curl.exe https://tasks.example.com/tasks -d @task.json",
            TASKS,
        ),
    ]);
    let source = request("curl.exe https://tasks.example.com/tasks").source;
    assert_eq!(source, RequestSource::Curl);
}

#[test]
fn of_several_commands_the_one_with_a_task_is_read() {
    let login = "curl -d 'user=me' https://tasks.example.com/login";
    let post = "curl https://tasks.example.com/tasks -d '{\"title\":\"a\"}'";
    let list = "curl https://tasks.example.com/tasks";
    let title = r#"POST https://tasks.example.com/tasks | {"title":"a"}"#;
    assert_reads(&[
        (&format!("{login}\n{post}\n{list}"), title),
        (&format!("{list}\n$ {post}"), title),
        (
            &format!("{list} && {login}"),
            "GET https://tasks.example.com/tasks",
        ),
    ]);
    assert!(notices(&format!("{login}; {post}")).contains("several calls"));
    assert!(!notices(post).contains("several calls"));
}

#[test]
fn what_a_page_cannot_do_is_named() {
    for (command, notice) in [
        ("curl https://a.example/t -b sid=1", "cannot send cookies"),
        (
            "curl https://a.example/t -k",
            "does not check the server's certificate",
        ),
        ("curl https://a.example/t -d @body.json", "reads a file"),
        ("curl https://a.example/t -F a=b", "JSON only"),
        ("curl https://a.example/t -d 'a=b'", "is a form"),
        ("curl https://a.example/t", "is a GET request"),
        ("curl https://a.example/t -x http://proxy", "--proxy"),
        (
            "curl https://a.example/t -H 'Idempotency-Key: 1' -d '{}'",
            "has an Idempotency-Key",
        ),
        (
            "curl https://a.example/t -H 'User-Agent: x' -H 'Origin: y'",
            "left out: Origin and User-Agent",
        ),
        (
            "curl https://a.example/t -d '{\"a\":\"b",
            "inside quotation marks",
        ),
        ("curl a.example/t -d '{}'", "https:// was added"),
        (
            "curl https://a.example/t https://b.example/t",
            "Only the first one",
        ),
        ("curl -X POST", "has no URL"),
        (
            "curl https://a.example/t -d '{\"apiKey\":\"hunter2\"}'",
            "secret at /apiKey",
        ),
        (
            "curl https://a.example/t/ghp_0123456789abcdefghij",
            "The path was not taken over",
        ),
    ] {
        let notices = notices(command);
        assert!(
            notices.contains(notice),
            "{command}\nis commented by\n{notices}"
        );
        assert!(!notices.contains("hunter2"), "{notices}");
    }
}

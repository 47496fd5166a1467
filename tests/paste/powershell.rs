//! `Invoke-RestMethod` and `Invoke-WebRequest` calls of PowerShell.

use crate::support::{assert_reads, notices};

#[test]
fn calls_of_powershell_are_read() {
    let title = r#"POST https://tasks.example.com/tasks | {"title":"a"}"#;
    let token = r#"POST https://tasks.example.com/tasks | <X-AGENT-TOKEN>=hunter2 | {"title":"a"}"#;
    assert_reads(&[
        (
            r#"Invoke-RestMethod -Uri https://tasks.example.com/tasks -Method Post -ContentType 'application/json' -Body '{"title":"a"}'"#,
            title,
        ),
        (
            r#"PS C:\Users\me> irm https://tasks.example.com/tasks -Method POST -Headers @{"X-AGENT-TOKEN"="hunter2"} -Body '{"title":"a"}'"#,
            token,
        ),
        (
            "$headers = @{\n    \"X-AGENT-TOKEN\" = \"hunter2\"\n    Accept = 'application/json'\n}\n$body = @{ title = 'a' } | ConvertTo-Json\n\nInvoke-RestMethod -Uri \"https://tasks.example.com/tasks\" -Method Post -Headers $headers -Body $body",
            token,
        ),
        (
            "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = \"Mozilla/5.0 (X11)\"\nInvoke-WebRequest -UseBasicParsing -Uri \"https://tasks.example.com/tasks\" `\n-Method \"POST\" `\n-WebSession $session `\n-Headers @{\n\"authority\"=\"tasks.example.com\"\n  \"accept\"=\"*/*\"\n  \"x-agent-token\"=\"hunter2\"\n} `\n-ContentType \"application/json\" `\n-Body \"{`\"title`\":`\"a`\"}\"",
            r#"POST https://tasks.example.com/tasks | <x-agent-token>=hunter2 | {"title":"a"}"#,
        ),
        (
            "$headers = New-Object \"System.Collections.Generic.Dictionary[[String],[String]]\"\n$headers.Add(\"X-AGENT-TOKEN\", \"hunter2\")\n$body = @\"\n{`\"title`\":`\"a`\"}\n\"@\n\n$response = Invoke-RestMethod 'https://tasks.example.com/tasks' -Method 'POST' -Headers $headers -Body $body\n$response | ConvertTo-Json",
            token,
        ),
        (
            "$token = 'hunter2'\n$params = @{\n  Uri = 'https://tasks.example.com/tasks'\n  Method = 'Post'\n  Headers = @{ Authorization = \"Bearer $token\" }\n  Body = (@{ title = 'a'; tags = @('x','y'); n = 2; ok = $true } | ConvertTo-Json -Depth 5)\n}\nInvoke-RestMethod @params",
            r#"POST https://tasks.example.com/tasks | <Authorization> Bearer=hunter2 | {"title":"a","tags":["x","y"],"n":2,"ok":true}"#,
        ),
        (
            "iwr \"https://tasks.example.com/tasks\" -Method Post -Headers @{ 'X-Api-Key' = $env:API_KEY; 'X-TENANT' = 'blue' } -Body (ConvertTo-Json @{ title = 'a' })",
            r#"POST https://tasks.example.com/tasks | X-TENANT: blue | <X-Api-Key> missing $env:API_KEY | {"title":"a"}"#,
        ),
        (
            "$id = (Invoke-RestMethod -Method Post -Uri ($base + '/tasks') -Body '{\"title\":\"a\"}').id",
            r#"POST [address_empty]/tasks | {"title":"a"}"#,
        ),
        (
            "$base = 'https://tasks.example.com'\nInvoke-RestMethod -Method Post -Uri \"$base/tasks\" -Body @'\n{\"title\":\"it's\"}\n'@",
            r#"POST https://tasks.example.com/tasks | {"title":"it's"}"#,
        ),
        (
            "Invoke-RestMethod -Uri https://tasks.example.com/tasks -Method Post -Authentication Bearer -Token (ConvertTo-SecureString 'hunter2' -AsPlainText -Force) -Body ([pscustomobject]@{ title = 'a' } | ConvertTo-Json)",
            r#"POST https://tasks.example.com/tasks | <Authorization> Bearer=hunter2 | {"title":"a"}"#,
        ),
        (
            "<# Posts a task. #>\nInvoke-RestMethod https://tasks.example.com/tasks # lists",
            "GET https://tasks.example.com/tasks",
        ),
        (
            "Invoke-RestMethod -Uri 'https://tasks.example.com/tasks' -Method:Post -Body ([ordered]@{ title = 'a'; due = (Get-Date).ToString('o') } | ConvertTo-Json)",
            r#"POST https://tasks.example.com/tasks | {"title":"a","due":"(…).ToString"}"#,
        ),
    ]);
}

#[test]
fn what_a_call_does_not_tell_is_named() {
    for (call, notice) in [
        (
            "irm https://a.example/t -Method Post -Headers $headers",
            "The headers are in $headers",
        ),
        (
            "irm https://a.example/t -Method Post -Body $body",
            "The body is in $body",
        ),
        (
            "irm https://a.example/t -Method Post -Body @{a=1}",
            "sends this body as a form",
        ),
        ("irm https://a.example/t -Credential $c", "Enter the token"),
        ("irm https://a.example/t -InFile task.json", "reads a file"),
        ("irm @params", "The parameters are in @params"),
        (
            "irm https://a.example/t -SkipCertificateCheck -Method Post",
            "does not check",
        ),
    ] {
        let notices = notices(call);
        assert!(
            notices.contains(notice),
            "{call}\nis commented by\n{notices}"
        );
    }
}

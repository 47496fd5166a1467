//! An event stream decoder that follows the standard (HTML, section 9.2.6) literally, on the
//! complete body: slow, and too simple to share our decoder's mistakes.

/// An event: its name and its data. Nothing reads its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    pub name: String,
    pub data: String,
}

/// All events of a body.
pub fn events(body: &[u8]) -> Vec<SseEvent> {
    // "Streams must be decoded using the UTF-8 decode algorithm", which "strips one leading BOM".
    let text = String::from_utf8_lossy(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body));
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // Text after the last line end is not a line.
    lines.pop();

    let (mut data, mut name) = (String::new(), String::new());
    let mut events = Vec::new();
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                events.push(SseEvent {
                    name: if name.is_empty() {
                        "message".into()
                    } else {
                        name.clone()
                    },
                    data: data.to_owned(),
                });
            }
            data.clear();
            name.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            _ => {}
        }
    }
    events
}

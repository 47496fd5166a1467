//! The text fields of the form, as data.

/// A text field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormField {
    /// The connection's name.
    Name,
    /// The base URL of the model endpoint; empty for no model.
    BaseUrl,
    /// The name of the model.
    Model,
    /// Maximum output tokens per response; empty for no limit.
    MaxOutputTokens,
    /// Maximum tasks per request; empty for the default.
    TasksPerRequest,
    /// The time until the model begins to write, in seconds.
    FirstTokenTimeout,
    /// Idle timeout in seconds; empty for the default.
    IdleTimeout,
    /// Request timeout in seconds; empty for the default.
    RequestTimeout,
    /// Maximum tokens per run; empty for no limit.
    TokenLimit,
    /// Maximum cost per run; empty for no limit.
    CostLimit,
    /// Price per million input tokens; empty if unknown.
    PriceInput,
    /// Price per million cached input tokens; empty for the price of input tokens.
    PriceCachedInput,
    /// Price per million output tokens; empty if unknown.
    PriceOutput,
    /// Members to add to the body of each request to the model, as a JSON object.
    ModelBody,
    /// Parameters to add to the URL of each request to the model, one per line.
    ModelQuery,
    /// Headers to add to each request to the model, one per line.
    ModelHeaders,
    /// The header that carries the API key; empty for `Authorization: Bearer`.
    KeyHeader,
    /// The task server's address; empty for no task server.
    ServerUrl,
    /// The path to post tasks to.
    Path,
    /// The header that carries the agent token.
    TokenHeader,
    /// The word before the agent token; empty for none.
    TokenScheme,
    /// Headers to add to each request to the task server, one per line.
    ExtraHeaders,
    /// The names of headers whose values are secrets, separated by commas or line breaks.
    SecretHeaders,
    /// Parameters to add to the URL of each request to the task server, one per line.
    ExtraQuery,
    /// The server's idempotency key retention in hours.
    IdempotencyKeyRetention,
    /// Maximum number of concurrent posts.
    Concurrency,
    /// The JSON wrapped around each task; empty to post the task alone.
    BodyTemplate,
    /// Where the server's identifier is in its response; empty to look for it.
    IdPointer,
    /// The operator's own schema; retained while another schema is chosen.
    SchemaText,
    /// The member that is a task's key; empty to guess.
    KeyRole,
    /// The member that is a task's title; empty to guess.
    TitleRole,
    /// The member with a task's dependencies; empty to guess.
    DependsOnRole,
}

/// How a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// The id of its element.
    pub id: &'static str,
    /// Its label.
    pub label: &'static str,
    /// A sentence below the field; may be empty.
    pub hint: &'static str,
    /// Shown while the field is empty; may be empty.
    pub placeholder: &'static str,
    /// The keyboard that a phone shows, a value of `inputmode`; empty for the usual one.
    pub input_mode: &'static str,
    /// The height of a field that takes several lines; `None` for one line.
    pub rows: Option<u8>,
}

impl FieldInfo {
    const fn new(id: &'static str, label: &'static str) -> FieldInfo {
        FieldInfo {
            id,
            label,
            hint: "",
            placeholder: "",
            input_mode: "",
            rows: None,
        }
    }

    const fn hint(self, hint: &'static str) -> FieldInfo {
        FieldInfo { hint, ..self }
    }

    const fn placeholder(self, placeholder: &'static str) -> FieldInfo {
        FieldInfo {
            placeholder,
            ..self
        }
    }

    const fn keyboard(self, input_mode: &'static str) -> FieldInfo {
        FieldInfo { input_mode, ..self }
    }

    const fn rows(self, rows: u8) -> FieldInfo {
        FieldInfo {
            rows: Some(rows),
            ..self
        }
    }
}

impl FormField {
    /// How the field is shown.
    #[must_use]
    pub fn info(self) -> FieldInfo {
        let info = FieldInfo::new;
        match self {
            FormField::Name => info("name", "Name"),
            FormField::BaseUrl => info("base", "Base URL")
                .keyboard("url")
                .placeholder("https://api.openai.com/v1"),
            FormField::Model => info("model", "Model"),
            FormField::MaxOutputTokens => info("max-output-tokens", "Max output tokens")
                .keyboard("numeric")
                .placeholder("no limit"),
            FormField::TasksPerRequest => info("tasks-per-request", "Tasks per request")
                .keyboard("numeric")
                .placeholder("25"),
            FormField::FirstTokenTimeout => {
                info("first-token-timeout", "First-token timeout (seconds)")
                    .keyboard("numeric")
                    .placeholder("120; 300 on this machine")
            }
            FormField::IdleTimeout => info("idle-timeout", "Idle timeout (seconds)")
                .keyboard("numeric")
                .placeholder("60"),
            FormField::RequestTimeout => info("request-timeout", "Request timeout (seconds)")
                .keyboard("numeric")
                .placeholder("1800"),
            FormField::TokenLimit => info("token-limit", "Token limit per run")
                .keyboard("numeric")
                .placeholder("no limit"),
            FormField::CostLimit => info("cost-limit", "Cost limit per run")
                .keyboard("decimal")
                .placeholder("no limit"),
            FormField::PriceInput => info("price-input", "Input price per 1M tokens")
                .keyboard("decimal")
                .placeholder("unknown"),
            FormField::PriceCachedInput => {
                info("price-cached-input", "Cached input price per 1M tokens")
                    .keyboard("decimal")
                    .placeholder("input price")
            }
            FormField::PriceOutput => info("price-output", "Output price per 1M tokens")
                .keyboard("decimal")
                .placeholder("unknown"),
            FormField::ModelBody => info("model-body", "Extra parameters")
                .rows(2)
                .placeholder("{\"temperature\": 0.2}")
                .hint("A JSON object. Its members are added to the body of each request."),
            FormField::ModelQuery => info("model-query", "Query")
                .rows(2)
                .placeholder("api-version=2026-01-01")
                .hint("One parameter per line, as name=value."),
            FormField::ModelHeaders => info("model-headers", "Extra headers")
                .rows(2)
                .placeholder("X-Title: Plans")
                .hint("One header per line, as Name: value. No secrets: they are stored here."),
            FormField::KeyHeader => info("key-header", "API key header")
                .placeholder("Authorization: Bearer")
                .hint("The header that carries the API key, such as api-key."),
            FormField::ServerUrl => info("url", "Address")
                .keyboard("url")
                .placeholder("http://localhost:8080"),
            FormField::Path => info("path", "Path"),
            FormField::TokenHeader => info("token-header", "Token header"),
            FormField::TokenScheme => info("token-scheme", "Token scheme")
                .placeholder("none")
                .hint("The word before the token, such as Bearer."),
            FormField::ExtraHeaders => info("extra-headers", "Extra headers")
                .rows(2)
                .placeholder("X-Tenant: north")
                .hint("One header per line, as Name: value. No secrets: they are stored here."),
            FormField::SecretHeaders => info("secret-headers", "Secret headers")
                .placeholder("X-Signature")
                .hint("Names of headers with secret values, separated by commas. You are asked for the values before posting."),
            FormField::ExtraQuery => info("extra-query", "Query")
                .rows(2)
                .placeholder("queue=blue")
                .hint("One parameter per line, as name=value."),
            FormField::IdempotencyKeyRetention => {
                info("idempotency-key-retention", "Idempotency key retention (hours)")
                    .keyboard("numeric")
                    .hint("How long this server retains idempotency keys. After that, a task without a clear response is unconfirmed.")
            }
            FormField::Concurrency => info("concurrency", "Concurrency")
                .keyboard("numeric")
                .hint("Tasks in flight at a time, 1 to 16. The first one always goes alone."),
            FormField::BodyTemplate => info("body-template", "Body template")
                .rows(2)
                .placeholder("$task")
                .hint("The JSON to send, if the task alone is not enough: {\"payload\": $task}, {\"tenant\": \"north\", ...$task} or {\"name\": $task.title}. $uuid, $number, $run and $time are generated."),
            FormField::IdPointer => info("id-pointer", "ID in the response")
                .placeholder("found automatically")
                .hint("JSON Pointer to the server's ID of a task, such as /data/id."),
            FormField::KeyRole => info("key-role", "Task key")
                .placeholder("guessed")
                .hint("The field that identifies a task within its run."),
            FormField::TitleRole => info("title-role", "Title")
                .placeholder("guessed")
                .hint("The field that people read first."),
            FormField::DependsOnRole => info("depends-on-role", "Dependencies")
                .placeholder("guessed")
                .hint("The field with the keys of the tasks that come first."),
            FormField::SchemaText => info("schema-text", "JSON Schema of one task")
                .rows(2)
                .hint("One JSON document. References to other documents are never fetched."),
        }
    }
}

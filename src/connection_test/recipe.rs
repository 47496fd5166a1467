//! CORS rules, ready to paste into the configuration of common servers.

/// What a server has to allow: requests by `GET` and `POST` from one origin with these headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The origin of the page.
    pub origin: String,
    /// The names of the request headers.
    pub headers: Vec<String>,
}

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// The response headers themselves, for any server.
    Headers,
    /// nginx, in front of the server.
    Nginx,
    /// Caddy, in front of the server.
    Caddy,
    /// FastAPI and Starlette.
    FastApi,
    /// Express with the package `cors`.
    Express,
    /// axum with tower-http.
    Axum,
    /// Django with django-cors-headers.
    Django,
    /// Rails with rack-cors.
    Rails,
    /// ASP.NET Core.
    AspNet,
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// vLLM.
    Vllm,
    /// HashiCorp Vault and OpenBao.
    Vault,
}

impl Recipe {
    /// Every recipe, in the order of the interface.
    pub const ALL: [Recipe; 13] = [
        Recipe::Headers,
        Recipe::Nginx,
        Recipe::Caddy,
        Recipe::FastApi,
        Recipe::Express,
        Recipe::Axum,
        Recipe::Django,
        Recipe::Rails,
        Recipe::AspNet,
        Recipe::Ollama,
        Recipe::LmStudio,
        Recipe::Vllm,
        Recipe::Vault,
    ];

    /// The name in the interface.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Recipe::Headers => "Response headers",
            Recipe::Nginx => "nginx",
            Recipe::Caddy => "Caddy",
            Recipe::FastApi => "FastAPI",
            Recipe::Express => "Express",
            Recipe::Axum => "axum",
            Recipe::Django => "Django",
            Recipe::Rails => "Rails",
            Recipe::AspNet => "ASP.NET Core",
            Recipe::Ollama => "Ollama",
            Recipe::LmStudio => "LM Studio",
            Recipe::Vllm => "vLLM",
            Recipe::Vault => "Vault",
        }
    }

    /// The text to paste.
    #[must_use]
    pub fn text(self, rule: &Rule) -> String {
        let Rule { origin, headers } = rule;
        let plain = headers.join(", ");
        let quoted = |quote: char| {
            let names = headers.iter().map(|name| format!("{quote}{name}{quote}"));
            names.collect::<Vec<_>>().join(", ")
        };
        match self {
            Recipe::Headers => format!(
                "Access-Control-Allow-Origin: {origin}\n\
                 Access-Control-Allow-Methods: GET, POST\n\
                 Access-Control-Allow-Headers: {plain}\n\
                 Access-Control-Expose-Headers: Location, Retry-After, Idempotent-Replayed\n\
                 Access-Control-Max-Age: 600\n\
                 Vary: Origin"
            ),
            Recipe::Nginx => format!(
                "# In the location of the server. \"always\" includes errors.\n\
                 add_header Access-Control-Allow-Origin \"{origin}\" always;\n\
                 add_header Access-Control-Allow-Methods \"GET, POST\" always;\n\
                 add_header Access-Control-Allow-Headers \"{plain}\" always;\n\
                 add_header Access-Control-Expose-Headers \"Location, Retry-After\" always;\n\
                 add_header Vary Origin always;\n\
                 if ($request_method = OPTIONS) {{\n    return 204;\n}}"
            ),
            Recipe::Caddy => format!(
                "@preflight method OPTIONS\n\
                 header {{\n    \
                     Access-Control-Allow-Origin \"{origin}\"\n    \
                     Access-Control-Allow-Methods \"GET, POST\"\n    \
                     Access-Control-Allow-Headers \"{plain}\"\n    \
                     Access-Control-Expose-Headers \"Location, Retry-After\"\n    \
                     Vary Origin\n    \
                     defer\n}}\n\
                 respond @preflight 204"
            ),
            Recipe::FastApi => format!(
                "from fastapi.middleware.cors import CORSMiddleware\n\n\
                 app.add_middleware(\n    \
                     CORSMiddleware,\n    \
                     allow_origins=[\"{origin}\"],\n    \
                     allow_methods=[\"GET\", \"POST\"],\n    \
                     allow_headers=[{}],\n    \
                     expose_headers=[\"Location\", \"Retry-After\"],\n)",
                quoted('"')
            ),
            Recipe::Express => format!(
                "import cors from \"cors\";\n\n\
                 app.use(cors({{\n  \
                     origin: \"{origin}\",\n  \
                     methods: [\"GET\", \"POST\"],\n  \
                     allowedHeaders: [{}],\n  \
                     exposedHeaders: [\"Location\", \"Retry-After\"],\n}}));",
                quoted('"')
            ),
            Recipe::Axum => format!(
                "use axum::http::{{HeaderName, HeaderValue, Method}};\n\
                 use tower_http::cors::CorsLayer;\n\n\
                 let cors = CorsLayer::new()\n    \
                     .allow_origin(HeaderValue::from_static(\"{origin}\"))\n    \
                     .allow_methods([Method::GET, Method::POST])\n    \
                     .allow_headers([{}]);\n\
                 let app = app.layer(cors);",
                headers
                    .iter()
                    .map(|name| {
                        let name = name.to_ascii_lowercase();
                        format!("HeaderName::from_static(\"{name}\")")
                    })
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Recipe::Django => format!(
                "# settings.py, with django-cors-headers. CorsMiddleware comes first in MIDDLEWARE.\n\
                 CORS_ALLOWED_ORIGINS = [\"{origin}\"]\n\
                 CORS_ALLOW_METHODS = [\"GET\", \"POST\"]\n\
                 CORS_ALLOW_HEADERS = [{}]\n\
                 CORS_EXPOSE_HEADERS = [\"Location\", \"Retry-After\"]",
                quoted('"')
            ),
            Recipe::Rails => format!(
                "# config/initializers/cors.rb, with rack-cors\n\
                 Rails.application.config.middleware.insert_before 0, Rack::Cors do\n  \
                     allow do\n    \
                         origins \"{origin}\"\n    \
                         resource \"*\",\n      \
                             methods: [:get, :post, :options],\n      \
                             headers: [{}],\n      \
                             expose: [\"Location\", \"Retry-After\"]\n  \
                     end\nend",
                quoted('"')
            ),
            Recipe::AspNet => format!(
                "builder.Services.AddCors(options => options.AddDefaultPolicy(policy => policy\n    \
                     .WithOrigins(\"{origin}\")\n    \
                     .WithMethods(\"GET\", \"POST\")\n    \
                     .WithHeaders({})\n    \
                     .WithExposedHeaders(\"Location\", \"Retry-After\")));\n\
                 // After UseRouting and before UseAuthorization:\n\
                 app.UseCors();",
                quoted('"')
            ),
            Recipe::Ollama => format!(
                "# Restart Ollama with this variable. It allows every header that the page sends.\n\
                 OLLAMA_ORIGINS={origin} ollama serve"
            ),
            Recipe::LmStudio => {
                "# Allows every origin: stop the server when you do not need it.\nlms server start --cors"
                    .to_owned()
            }
            Recipe::Vllm => format!(
                "vllm serve MODEL \\\n  \
                     --allowed-origins '[\"{origin}\"]' \\\n  \
                     --allowed-methods '[\"GET\", \"POST\"]' \\\n  \
                     --allowed-headers '[{}]'",
                quoted('"')
            ),
            Recipe::Vault => format!(
                "vault write sys/config/cors \\\n  \
                     allowed_origins=\"{origin}\" \\\n  \
                     allowed_headers=\"{plain}\""
            ),
        }
    }
}

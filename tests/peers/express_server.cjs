// Task servers made with Express, as operators have them. Prints its address.
//   /validator/tasks   express-validator, its errors as a list
//   /mapped/tasks      express-validator, its errors as a map
//   /zod/tasks         Zod, its issues
//   /error/tasks       Zod, its error as Express middlewares often send it: JSON inside a message
//   /tree/tasks        Zod, its issues as a tree
//   /flat/tasks        Zod, its issues by field
//   /queue/jobs        an envelope, a tenant's header, a query and a bearer token
// Each stores a valid task; `GET …/received` lists them.
const express = require("express");
const { checkExact, checkSchema, header, validationResult } = require("express-validator");
const { z } = require("zod");

const app = express();
const stored = {};

app.use((request, response, next) => {
  response.set("Access-Control-Allow-Origin", "*");
  if (request.method !== "OPTIONS") return next();
  response.set("Access-Control-Allow-Headers", "content-type, x-agent-token, x-tenant, authorization");
  return response.sendStatus(204);
});
app.use(express.json());

function store(name, request, response) {
  stored[name] = [...(stored[name] ?? []), request.body];
  response.status(201).location(`/tasks/${stored[name].length}`);
  response.json({ data: { type: "tasks", id: String(stored[name].length) } });
}

const rules = [
  header("x-agent-token").equals("changeme"),
  ...checkSchema(
    {
      key: { isString: true },
      "inputs.*.value": { isString: true },
      title: { isLength: { options: { max: 20 }, errorMessage: "is longer than 20" } },
      priority: { isIn: { options: [["low", "high"]], errorMessage: "is neither low nor high" } },
      "inputs.*.name": { isLength: { options: { max: 8 }, errorMessage: "is longer than 8" } },
    },
    ["body"],
  ),
];

app.post("/validator/tasks", rules, (request, response) => {
  const errors = validationResult(request);
  if (!errors.isEmpty()) return response.status(400).json({ errors: errors.array() });
  return store("validator", request, response);
});

app.post("/mapped/tasks", rules, checkExact(), (request, response) => {
  const errors = validationResult(request);
  if (!errors.isEmpty()) return response.status(422).json({ errors: errors.mapped() });
  return store("mapped", request, response);
});

const Task = z.strictObject({
  key: z.string(),
  title: z.string().max(20),
  priority: z.enum(["low", "high"]),
  inputs: z.array(z.object({ name: z.string().max(8), value: z.string() })).optional(),
});

const forms = {
  zod: (error) => ({ success: false, error: { name: error.name, issues: error.issues } }),
  error: (error) => ({ error: { name: error.name, message: error.message } }),
  tree: (error) => ({ error: z.treeifyError(error) }),
  flat: (error) => z.flattenError(error),
};
for (const [name, form] of Object.entries(forms)) {
  app.post(`/${name}/tasks`, (request, response) => {
    const { error } = Task.safeParse(request.body);
    return error ? response.status(400).json(form(error)) : store(name, request, response);
  });
}

app.post("/queue/jobs", (request, response) => {
  const problem = (status, message) => response.status(status).json({ message });
  if (request.get("authorization") !== "Bearer t0p-s3cret-of-the-queue") return problem(401, "Who are you?");
  if (request.get("x-tenant") !== "north") return problem(403, "Which tenant?");
  if (request.query.lane !== "blue") return problem(400, "Which lane?");
  const { kind, job } = request.body;
  if (kind !== "work" || typeof job?.title !== "string") return problem(422, "No job");
  return store("queue", request, response);
});

app.get("/:name/received", (request, response) => response.json(stored[request.params.name] ?? []));

const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

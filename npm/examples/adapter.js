// Asks a model for tasks and posts the valid ones to a task server:
//
//   OPENAI_API_KEY=… AGENT_API_TOKEN=… node adapter.js "Move the billing service to PostgreSQL 17"
//
// MODEL_URL, MODEL and TASK_SERVER name other endpoints.
import init, { defaultSchema, deliver, generate } from "taskwright";

const { MODEL_URL, MODEL, TASK_SERVER, OPENAI_API_KEY, AGENT_API_TOKEN } = process.env;
const [goal] = process.argv.slice(2);
if (!goal || !AGENT_API_TOKEN) throw new Error("Pass a goal, and AGENT_API_TOKEN in the environment.");

await init();
const schema = defaultSchema();
const { outcome, tasks } = await generate(
  { goal, count: 3, schema },
  {
    baseUrl: MODEL_URL ?? "https://api.openai.com/v1",
    model: MODEL ?? "gpt-5-mini",
    ...(OPENAI_API_KEY && { apiKey: OPENAI_API_KEY }),
  },
);
if (outcome.outcome !== "complete") throw new Error(`${outcome.message} ${outcome.hint}`);

const receipts = await deliver(
  tasks.map(({ text }) => text),
  { url: TASK_SERVER ?? "http://localhost:8080", agentToken: AGENT_API_TOKEN },
  { schema },
);
for (const receipt of receipts) console.log(JSON.stringify(receipt));
if (receipts.some(({ outcome }) => outcome !== "delivered")) process.exitCode = 1;

// The baseline of the first load: a page with React, the OpenAI client and Ajv that does the least such
// a page can do. It has a field and a button, and compiles its schema when it starts.
import Ajv from "ajv";
import OpenAI from "openai";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const isTask = new Ajv().compile({
  type: "object",
  required: ["title"],
  properties: { title: { type: "string", minLength: 1 } },
});

function Page() {
  const [goal, setGoal] = useState("");
  const [tasks, setTasks] = useState<unknown[]>([]);
  const generate = async () => {
    const client = new OpenAI({ apiKey: goal, dangerouslyAllowBrowser: true });
    const stream = await client.chat.completions.create({
      model: "gpt-5-mini",
      messages: [{ role: "user", content: goal }],
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    setTasks((JSON.parse(text) as unknown[]).filter((task) => isTask(task)));
  };
  return (
    <form onSubmit={(event) => (event.preventDefault(), void generate())}>
      <textarea id="goal" value={goal} onChange={(event) => setGoal(event.target.value)} />
      <button type="submit">Generate</button>
      <p>{tasks.length}</p>
    </form>
  );
}

createRoot(document.getElementById("app") as HTMLElement).render(<Page />);

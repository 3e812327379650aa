// Drives `whytrace mcp` with the command line of the MCP inspector: every tool lists, validates and answers.
// Arguments: the folder of the inspector, and the program.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, program] = process.argv.slice(2);
const { default: Ajv } = createRequire(join(folder, "node_modules", "x.js"))("ajv/dist/2020.js");
const ajv = new Ajv({ strict: false, validateFormats: false });

function fail(message) {
  console.log(`FAILED  inspector: ${message}`);
  process.exit(1);
}

function inspect(...args) {
  const command = [join(folder, "node_modules", ".bin", "mcp-inspector"), "--cli", "-e", `WHYTRACE_DIR=${process.env.WHYTRACE_DIR}`, program, "mcp", ...args];
  try {
    return JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
  } catch (error) {
    fail(`${args.join(" ")}: ${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
  }
}

const tools = inspect("--method", "tools/list").tools;
console.log(`ok      inspector: ${tools.length} tools`);

function call(name, args = {}) {
  const given = Object.entries(args).flatMap(([key, value]) => ["--tool-arg", `${key}=${value}`]);
  const result = inspect("--method", "tools/call", "--tool-name", name, ...given);
  if (result.isError) fail(`${name} is an error: ${JSON.stringify(result.content)}`);
  const validate = ajv.compile(tools.find((tool) => tool.name === name).outputSchema);
  if (!validate(result.structuredContent)) fail(`${name} does not fit its schema: ${ajv.errorsText(validate.errors)}`);
  console.log(`ok      inspector: ${name}`);
  called.add(name);
  return result.structuredContent;
}

const called = new Set();
const runs = call("trace_search", { filter: "status = complete" }).items;
const [a, b] = runs.map((run) => run.trace_id);
call("trace_summary");
call("trace_failures");
call("traces_by_intent", { intent: runs[0].intent });
call("traces_by_domain", { domain: runs[0].domain });
call("traces_flagged");
call("trace_compare", { a, b });
call("trace_get", { trace_id: a });
const prompt = call("why", { trace_id: a }).prompts[0];
if (!prompt) fail("the example calls no model with a prompt");
call("prompt_versions", { name: prompt.prompt_name });
const left = tools.map((tool) => tool.name).filter((name) => !called.has(name));
if (left.length > 0) fail(`not called: ${left.join(", ")}`);

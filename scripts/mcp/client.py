"""Drives `whytrace mcp` with the Python package `mcp`: every tool lists, validates and answers. Argument: the program."""

import asyncio
import json
import os
import sys

import jsonschema
from mcp import ClientSession, StdioServerParameters, stdio_client

EXPECTED = {
    "trace_summary", "trace_failures", "trace_compare", "traces_by_intent", "traces_by_domain", "traces_flagged",
    "trace_get", "trace_search", "prompt_versions", "why",
}
LIMIT = 48 * 1024  # docs/mcp.md


def field(value, snake, camel):
    """The package called its attributes in camel case before version 2."""
    return getattr(value, snake, None) if hasattr(value, snake) else getattr(value, camel, None)


class Failed(Exception):
    """Something is not as it should be."""


def check(condition, message):
    if not condition:
        raise Failed(message)


async def call(session, tools, name, arguments):
    """Calls a tool; gives what it answered, held against its schema."""
    result = await session.call_tool(name, arguments)
    text = " ".join(block.text for block in result.content)
    check(not field(result, "is_error", "isError"), f"{name}({arguments}) is an error: {text}")
    answer = field(result, "structured_content", "structuredContent")
    check(answer is not None, f"{name} answers without structured content")
    jsonschema.Draft202012Validator(field(tools[name], "output_schema", "outputSchema")).validate(answer)
    size = len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
    check(size <= LIMIT, f"{name} answers {size} bytes, more than {LIMIT}")
    print(f"ok      python client: {name} ({size} bytes)")
    return answer


async def refuse(session, name, arguments, expected):
    """Calls a tool with what it cannot take; the error must say what to do."""
    try:
        result = await session.call_tool(name, arguments)
        said, is_error = " ".join(block.text for block in result.content), field(result, "is_error", "isError")
    except Failed:
        raise
    except Exception as error:  # a protocol error
        said, is_error = str(error), True
    check(is_error, f"{name}({arguments}) is no error: {said}")
    check(expected in said, f"{name}({arguments}) does not say `{expected}`: {said}")
    print(f"ok      python client: {name} refuses {arguments}")


async def main(program):
    server = StdioServerParameters(command=program, args=["mcp"], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        check(set(tools) == EXPECTED, f"the tools are {sorted(tools)}, expected {sorted(EXPECTED)}")
        for name, tool in tools.items():
            for schema in (field(tool, "input_schema", "inputSchema"), field(tool, "output_schema", "outputSchema")):
                check(schema is not None, f"{name} has no schema")
                jsonschema.Draft202012Validator.check_schema(schema)
                check(schema.get("type") == "object", f"a schema of {name} is not that of an object")
            check(tool.description, f"{name} has no description")
            check(field(tool.annotations, "read_only_hint", "readOnlyHint") is True, f"{name} is not annotated read-only")
        print(f"ok      python client: {len(tools)} tools, each with description, valid schemas, and read-only")

        runs = (await call(session, tools, "trace_search", {"filter": "status = complete"}))["items"]
        check(len(runs) == 2, f"{len(runs)} runs, expected the 2 that were made")
        a, b = (run["trace_id"] for run in runs)
        check((await call(session, tools, "trace_search", {"filter": "status = complete", "limit": 1}))["next_cursor"], "no cursor")
        await call(session, tools, "trace_summary", {})
        await call(session, tools, "trace_failures", {"days": 0})
        await call(session, tools, "traces_by_intent", {"intent": runs[0]["intent"]})
        await call(session, tools, "traces_by_domain", {"domain": runs[0]["domain"]})
        await call(session, tools, "traces_flagged", {})
        await call(session, tools, "trace_compare", {"a": a, "b": b})
        told = await call(session, tools, "why", {"trace_id": a})
        whole = await call(session, tools, "trace_get", {"trace_id": a})
        check(whole["value"]["trace_id"] == a, "trace_get gives another trace")
        stage = next(name for name, stage in whole["value"]["stages"].items() if stage.get("decisions"))
        part = await call(session, tools, "trace_get", {"trace_id": a, "pointer": f"/stages/{stage}/decisions"})
        check(part["value"][0]["why"], "a decision without a reason")
        check(told["prompts"], "the example calls no model with a prompt")
        await call(session, tools, "prompt_versions", {})
        await call(session, tools, "prompt_versions", {"name": told["prompts"][0]["prompt_name"]})

        await refuse(session, "trace_search", {"filter": "intnet = validating"}, "did you mean `intent`?")
        await refuse(session, "trace_search", {"filter": "status = complete", "limit": 1000}, "expected 1 to 50")
        await refuse(session, "trace_get", {"trace_id": "trc_0"}, "there is no trace")
        await refuse(session, "trace_get", {"trace_id": a, "pointer": "/stagse"}, "the fields")
        await refuse(session, "traces_by_intent", {"intents": "validating"}, "intents")


try:
    asyncio.run(main(sys.argv[1]))
except* Failed as failures:
    print(f"FAILED  python client: {failures.exceptions[0]}")
    sys.exit(1)

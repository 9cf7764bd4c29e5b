"""The agent's program with the stub worker in place of the real one."""

import sys
from pathlib import Path

from hpcflow.run import agent

options = agent.AgentOptions
worker = (sys.executable, str(Path(__file__).with_name("stub_run.py")), sys.argv[1], "--serve", "--name")
agent.AgentOptions = lambda **values: options(**values, command=worker)  # type: ignore[misc,assignment]
sys.exit(agent.main(sys.argv[1:]))

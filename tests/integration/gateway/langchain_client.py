"""LangChain's clients of an address. It takes a second to load: import this where it is used."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

TIMEOUT_S = 90


@dataclass(frozen=True)
class LangChain:
    """Makes clients that are set up as LangChain's manual says for another server than OpenAI's."""

    address: str

    def chat(self, model: str, **options: object) -> ChatOpenAI:
        """Return a client that takes the likeliest token."""
        return ChatOpenAI.model_validate({**self._common(model), "temperature": 0, **options})

    def vectors(self, model: str, texts: list[str]) -> list[list[float]]:
        """Embed texts, sent as they are: else tokens of OpenAI's own vocabularies are sent."""
        values = {**self._common(model), "check_embedding_ctx_length": False}
        return OpenAIEmbeddings.model_validate(values).embed_documents(texts)

    def _common(self, model: str) -> dict[str, object]:
        return {
            "model": model,
            "base_url": f"{self.address}/v1",
            "api_key": "any",
            "max_retries": 0,
            "timeout": TIMEOUT_S,
        }

    @staticmethod
    def streamed_calls(chat: Runnable[LanguageModelInput, AIMessage], asked: str) -> list[str]:
        """Return the arguments of each call of a tool in a stream."""
        chunks = [chunk for chunk in chat.stream(asked) if isinstance(chunk, AIMessageChunk)]
        return [each["args"] or "" for chunk in chunks for each in chunk.tool_call_chunks]

    @staticmethod
    def after_tool(
        asked: str, called: BaseMessage, call: ToolCall, found: str
    ) -> list[BaseMessage]:
        """Return the conversation after a tool was called and has found something."""
        return [HumanMessage(asked), called, ToolMessage(found, tool_call_id=call["id"])]

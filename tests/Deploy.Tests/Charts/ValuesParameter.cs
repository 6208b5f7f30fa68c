// One documented value of a chart: a line `## @param path [type] description` in its values.yaml, with the default that stands below it.
using System.Text.Json.Nodes;

namespace LokiGateway.Deploy.Tests.Charts;

/// <summary>Path is dotted; Type is a named type of <see cref="ValueTypes"/> or choices <c>a|b</c>, null where the default tells it.</summary>
internal sealed record ValuesParameter(string Section, string Path, string? Type, string Description, JsonNode? Default);

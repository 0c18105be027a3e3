namespace Insurance.Hosting;

/// <summary>A setting turned out wrong after the settings were read; its message is the line a person gets.</summary>
internal sealed class SettingsException(string message, Exception cause) : Exception(message, cause);

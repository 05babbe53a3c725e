import Logging

extension Logger {
    /// What a process of ours says of its own errors, on standard error; never what people said.
    static let cloister: Logger = {
        var logger = Logger(label: "cloister") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }()
}

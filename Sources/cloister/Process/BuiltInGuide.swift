import Inference

/// The small model that comes with the program, so that it answers before any other is there.
enum BuiltInGuide {
    static func open() throws -> ModelFile {
        throw UserError("the built-in guide is not part of this build yet; start with --model and a GGUF file")
    }
}

import CGuide
import Inference

/// The small model that is part of the program, so that it answers before any other is there.
enum BuiltInGuide {
    static func open() throws(InferenceError) -> ModelFile {
        var length = 0
        let start = cg_guide(&length)
        return try ModelFile(bytes: UnsafeRawBufferPointer(start: start, count: length), name: "guide")
    }
}
